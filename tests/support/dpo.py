# SPDX-License-Identifier: EUPL-1.2
"""A data protection officer for tests."""
from balise import run


class Dpo:
    """A DPO with a key of his or her own."""

    def __init__(self, folder, name="dpo.key"):
        self.path = folder / name
        made = run("dpo", "keygen", "--out", self.path)
        assert made.returncode == 0, made.stderr
        self.public_key = made.stdout.strip()

    def sign(self, balise):
        """Sign what the configuration says and put the signature into it."""
        balise.config.setdefault("dpo", {})["public_key"] = self.public_key
        balise.write_config()
        signed = run("dpo", "sign", "--key", self.path, "--config", balise.config_path)
        assert signed.returncode == 0, signed.stderr
        balise.config["dpo"]["signature"] = signed.stdout.strip()
        balise.write_config()
        return signed.stderr
