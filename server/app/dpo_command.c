// SPDX-License-Identifier: EUPL-1.2
// `balise dpo`: what the data protection officer does on a machine of his or her own, with a copy
// of the configuration. What is signed is told in words first, and exactly as it is signed after.
#include "command.h"

#include <balise/dpo.h>
#include <stdio.h>
#include <string.h>

enum { WEAKER_MAX = 64 };

struct wish {
    const char *config, *key, *out, *to;
};

/* ---- words ---- */

static const char *direction(const struct bal_field_info *field)
{
    switch (field->weaker) {
    case BAL_WEAKER_LOWER:
        return "a lower number protects less";
    case BAL_WEAKER_HIGHER:
        return "a higher number protects less";
    case BAL_WEAKER_ON:
        return "on tells more";
    case BAL_WEAKER_NEVER:
        break;
    }
    return "";
}

static void tell_weaker(const struct bal_config *config, FILE *out)
{
    const struct bal_field_info *weaker[WEAKER_MAX];
    struct bal_buf text = {0};
    const size_t count = bal_config_weaker(config, weaker, WEAKER_MAX);
    if (count == 0)
        (void)fputs("No setting is weaker than its default: no signature is needed.\n", out);
    for (size_t i = 0; i < count && i < WEAKER_MAX; i++)
        (void)fprintf(out, "%s is weaker than its default, %s; %s.\n    %s\n", weaker[i]->path,
                      weaker[i]->default_text, direction(weaker[i]), weaker[i]->help);
    bal_config_signed_text(config, &text);
    if (text.length > 0)
        (void)fprintf(out, "\nExactly this is signed, settings and sites:\n\n%.*s\n",
                      (int)text.length, text.data);
    bal_buf_finish(&text);
}

/* ---- the verbs ---- */

static int keygen(const struct wish *wish)
{
    struct bal_error error = {0};
    char key[BAL_DPO_KEY_TEXT_BYTES];
    if (bal_dpo_key_new(wish->out, key, &error) != BAL_OK)
        return app_failed(&error);
    (void)fprintf(stderr,
                  "%s holds the secret key: keep it, and a copy, away from the server.\n"
                  "The public key goes into the configuration as dpo.public_key, and into the "
                  "DPO's own files:\n",
                  wish->out);
    (void)printf("%s\n", key);
    return EXIT_OK;
}

static int sign(const struct wish *wish)
{
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    char key[BAL_DPO_KEY_TEXT_BYTES], signature[BAL_DPO_SIGNATURE_TEXT_BYTES];
    int result = app_load(wish->config, &config);
    if (result)
        return result;
    tell_weaker(config, stderr);
    if (bal_dpo_sign(wish->key, config, key, signature, &error) == BAL_OK) {
        (void)fprintf(stderr,
                      "For the configuration:\n\n  \"dpo\": {\"public_key\": \"%s\",\n"
                      "          \"signature\": \"%s\"}\n\n",
                      key, signature);
        (void)printf("%s\n", signature);
    } else {
        result = app_failed(&error);
    }
    bal_config_destroy(config);
    return result;
}

static int show_key(const struct bal_config *config)
{
    char known[BAL_DPO_KEY_TEXT_BYTES];
    struct bal_error error = {0};
    (void)printf("key in the configuration: %s\n",
                 config->dpo.public_key ? config->dpo.public_key : "none");
    if (bal_dpo_known_key(config->data_dir, known, &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("key that the audit log knows: %s\n", known[0] ? known : "none yet");
    return EXIT_OK;
}

static int show(const struct wish *wish)
{
    static const char *const words[] = {
        [BAL_APPROVAL_NOT_NEEDED] = "not needed",
        [BAL_APPROVAL_SIGNED] = "right: the key in the configuration signed these settings",
        [BAL_APPROVAL_MISSING] = "missing: balise does not start with these settings",
        [BAL_APPROVAL_WRONG] = "wrong: of other settings, sites or key; balise does not start"};
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    int result = app_load(wish->config, &config);
    if (result)
        return result;
    const enum bal_approval approval = bal_dpo_approval(config);
    tell_weaker(config, stdout);
    (void)printf("signature: %s\n", words[approval]);
    result = show_key(config);
    if (!result && bal_dpo_check(config, &error) != BAL_OK)
        result = app_failed(&error);
    bal_config_destroy(config);
    return result;
}

static int handover(const struct wish *wish)
{
    struct bal_error error = {0};
    char signature[BAL_DPO_SIGNATURE_TEXT_BYTES];
    if (bal_dpo_hand_over(wish->key, wish->to, signature, &error) != BAL_OK)
        return app_failed(&error);
    (void)fprintf(stderr, "For the configuration, beside the new dpo.public_key: dpo.handover\n");
    (void)printf("%s\n", signature);
    return EXIT_OK;
}

static const struct verb {
    const char *name;
    int (*run)(const struct wish *wish);
    bool config, key, out, to; /* the options it needs, and takes */
} verbs[] = {
    {.name = "keygen", .run = keygen, .out = true},
    {.name = "sign", .run = sign, .config = true, .key = true},
    {.name = "show", .run = show, .config = true},
    {.name = "handover", .run = handover, .key = true, .to = true},
};

int dpo_run(int argc, char **argv)
{
    const char *name[1] = {NULL};
    struct wish wish = {0};
    const struct app_option options[] = {{.name = "config", .value = &wish.config},
                                         {.name = "key", .value = &wish.key},
                                         {.name = "out", .value = &wish.out},
                                         {.name = "to", .value = &wish.to}};
    const int result = app_options(argc, argv, options, 4, name, 1);
    if (result)
        return result;
    for (size_t v = 0; name[0] && v < sizeof verbs / sizeof verbs[0]; v++) {
        const struct verb *verb = &verbs[v];
        if (strcmp(verb->name, name[0]) != 0)
            continue;
        if (verb->config != (wish.config != NULL) || verb->key != (wish.key != NULL) ||
            verb->out != (wish.out != NULL) || verb->to != (wish.to != NULL))
            return app_usage("dpo %s takes%s%s%s%s", verb->name, verb->key ? " --key FILE" : "",
                             verb->config ? " --config FILE" : "", verb->out ? " --out FILE" : "",
                             verb->to ? " --to PUBLIC_KEY" : "");
        return verb->run(&wish);
    }
    return app_usage("dpo: say what to do: keygen, sign, show or handover");
}
