// SPDX-License-Identifier: EUPL-1.2
// The DPO's signature: over exactly these settings of exactly these sites, by the key that the
// audit log knows.
#include <balise/dpo.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char folder[64], key[96], other_key[96];
    char public_key[BAL_DPO_KEY_TEXT_BYTES], other_public[BAL_DPO_KEY_TEXT_BYTES];
};

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.folder = "/tmp/balise-dpo-XXXXXX"};
    if (!mkdtemp(world.folder)) {
        return -1;
    }
    (void)snprintf(world.key, sizeof world.key, "%s/dpo.key", world.folder);
    (void)snprintf(world.other_key, sizeof world.other_key, "%s/other.key", world.folder);
    *state = &world;
    return bal_dpo_key_new(world.key, world.public_key, NULL) ||
                   bal_dpo_key_new(world.other_key, world.other_public, NULL)
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    const struct world *const world = *state;
    char command[96];
    (void)snprintf(command, sizeof command, "rm -r %s", world->folder);
    return system(command);
}

/** A configuration with these settings and this "dpo" section. */
static struct bal_config *load(const struct world *world, const char *site, const char *settings,
                               const char *dpo)
{
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    char path[96];
    (void)snprintf(path, sizeof path, "%s/balise.json", world->folder);
    FILE *const file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(file,
                  "{\"data_dir\":\"%s/data\",\"sites\":[{\"name\":\"portal\",\"origins\":[\"%s\"],"
                  "\"time_zone\":\"Europe/Paris\"}]%s,\"dpo\":{%s}}",
                  world->folder, site, settings, dpo);
    assert_int_equal(fclose(file), 0);
    if (bal_config_load(path, &config, &error)) {
        fail_msg("%s", error.text);
    }
    return config;
}

static const char portal[] = "https://portal.example";
static const char weak[] = ",\"privacy\":{\"k\":7}";

/** What becomes of a configuration that was signed by `key` with `public_key` in it. */
static enum bal_approval approval_of(const struct world *world, const char *signed_settings,
                                     const char *site, const char *settings)
{
    char dpo[256], public_key[BAL_DPO_KEY_TEXT_BYTES], signature[BAL_DPO_SIGNATURE_TEXT_BYTES];
    struct bal_config *config = load(world, portal, signed_settings, "");
    assert_int_equal(bal_dpo_sign(world->key, config, public_key, signature, NULL), BAL_OK);
    assert_string_equal(public_key, world->public_key);
    bal_config_destroy(config);
    (void)snprintf(dpo, sizeof dpo, "\"public_key\":\"%s\",\"signature\":\"%s\"", public_key,
                   signature);
    config = load(world, site, settings, dpo);
    const enum bal_approval approval = bal_dpo_approval(config);
    const bool may = approval == BAL_APPROVAL_SIGNED || approval == BAL_APPROVAL_NOT_NEEDED;
    assert_int_equal(bal_dpo_check(config, NULL), may ? BAL_OK : BAL_EPERM);
    bal_config_destroy(config);
    return approval;
}

static void defaults_need_no_signature_and_there_is_nothing_to_sign(void **state)
{
    const struct world *const world = *state;
    char key[BAL_DPO_KEY_TEXT_BYTES], signature[BAL_DPO_SIGNATURE_TEXT_BYTES];
    struct bal_config *const config = load(world, portal, ",\"privacy\":{\"k\":20}", "");
    assert_int_equal(bal_dpo_approval(config), BAL_APPROVAL_NOT_NEEDED);
    assert_int_equal(bal_dpo_check(config, NULL), BAL_OK);
    assert_int_equal(bal_dpo_sign(world->key, config, key, signature, NULL), BAL_EINVAL);
    bal_config_destroy(config);
}

static void a_weaker_setting_needs_a_signature_and_the_error_names_it(void **state)
{
    const struct world *const world = *state;
    struct bal_error error = {0};
    struct bal_config *const config = load(world, portal, weak, "");
    assert_int_equal(bal_dpo_approval(config), BAL_APPROVAL_MISSING);
    assert_int_equal(bal_dpo_check(config, &error), BAL_EPERM);
    assert_non_null(strstr(error.text, "privacy.k"));
    bal_config_destroy(config);
}

static void a_signature_is_of_these_settings_and_these_sites_alone(void **state)
{
    const struct world *const world = *state;
    assert_int_equal(approval_of(world, weak, portal, weak), BAL_APPROVAL_SIGNED);
    assert_int_equal(approval_of(world, weak, portal, ",\"privacy\":{\"k\":6}"),
                     BAL_APPROVAL_WRONG);
    assert_int_equal(approval_of(world, weak, "https://other.example", weak), BAL_APPROVAL_WRONG);
    assert_int_equal(approval_of(world, weak, portal,
                                 ",\"privacy\":{\"k\":7},\"retention\":{\"hourly_days\":200}"),
                     BAL_APPROVAL_WRONG);
    assert_int_equal(approval_of(world, weak, portal, ",\"privacy\":{\"k\":7,\"pages_a_day\":100}"),
                     BAL_APPROVAL_SIGNED); // this protects no less
}

static void another_key_is_refused_unless_it_was_handed_over(void **state)
{
    const struct world *const world = *state;
    struct bal_clock_manual clock;
    struct bal_audit *audit = NULL;
    struct bal_error error = {0};
    char data[96], dpo[256], known[BAL_DPO_KEY_TEXT_BYTES], handover[BAL_DPO_SIGNATURE_TEXT_BYTES];
    (void)snprintf(data, sizeof data, "%s/data", world->folder);
    bal_clock_manual_init(&clock, 1767265200000);
    assert_int_equal(bal_dpo_known_key(data, known, NULL), BAL_OK);
    assert_string_equal(known, "");
    (void)snprintf(dpo, sizeof dpo, "\"public_key\":\"%s\"", world->public_key);
    struct bal_config *config = load(world, portal, "", dpo);
    assert_int_equal(bal_dpo_check(config, NULL), BAL_OK); // the first one that is met
    assert_int_equal(bal_audit_open(data, &clock.clock, &audit, NULL), BAL_OK);
    assert_int_equal(bal_dpo_remember_key(audit, config, NULL), BAL_OK);
    assert_int_equal(bal_dpo_remember_key(audit, config, NULL), BAL_OK); // once is enough
    bal_config_destroy(config);
    assert_int_equal(bal_dpo_known_key(data, known, NULL), BAL_OK);
    assert_string_equal(known, world->public_key);

    (void)snprintf(dpo, sizeof dpo, "\"public_key\":\"%s\"", world->other_public);
    config = load(world, portal, "", dpo);
    assert_int_equal(bal_dpo_check(config, &error), BAL_EPERM);
    bal_config_destroy(config);
    assert_int_equal(bal_dpo_hand_over(world->key, world->other_public, handover, NULL), BAL_OK);
    (void)snprintf(dpo, sizeof dpo, "\"public_key\":\"%s\",\"handover\":\"%s\"",
                   world->other_public, handover);
    config = load(world, portal, "", dpo);
    assert_int_equal(bal_dpo_check(config, NULL), BAL_OK);
    assert_int_equal(bal_dpo_remember_key(audit, config, NULL), BAL_OK);
    bal_config_destroy(config);
    assert_int_equal(bal_dpo_known_key(data, known, NULL), BAL_OK);
    assert_string_equal(known, world->other_public);
    bal_audit_close(audit);
}

static void a_key_file_is_its_owners_and_is_never_replaced(void **state)
{
    const struct world *const world = *state;
    struct stat facts;
    char public_key[BAL_DPO_KEY_TEXT_BYTES], signature[BAL_DPO_SIGNATURE_TEXT_BYTES], copy[128];
    assert_int_equal(stat(world->key, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_not_equal(bal_dpo_key_new(world->key, public_key, NULL), BAL_OK);
    assert_int_equal(bal_dpo_hand_over(world->key, world->other_public, signature, NULL), BAL_OK);
    assert_int_not_equal(bal_dpo_hand_over(world->key, "no key", signature, NULL), BAL_OK);
    (void)snprintf(copy, sizeof copy, "%s/nowhere", world->folder);
    assert_int_not_equal(bal_dpo_hand_over(copy, world->other_public, signature, NULL), BAL_OK);
}

int main(void)
{
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(defaults_need_no_signature_and_there_is_nothing_to_sign),
        IN_A_WORLD(a_weaker_setting_needs_a_signature_and_the_error_names_it),
        IN_A_WORLD(a_signature_is_of_these_settings_and_these_sites_alone),
        IN_A_WORLD(another_key_is_refused_unless_it_was_handed_over),
        IN_A_WORLD(a_key_file_is_its_owners_and_is_never_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
