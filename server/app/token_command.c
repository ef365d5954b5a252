// SPDX-License-Identifier: EUPL-1.2
// `balise token`: makes, lists and revokes access tokens in the data folder, beside a running
// server or not. The server sees the file change; there is nothing to tell it.
#include "command.h"

#include <balise/tokens.h>
#include <balise/zone.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MS = 86400000 };

struct words {
    const char *config, *role, *site, *expires;
    const char *verb[2];
};

static bool is_verb(const struct words *words, const char *verb)
{
    return words->verb[0] && strcmp(words->verb[0], verb) == 0;
}

/* ---- new ---- */

static int read_wish(const struct words *words, struct bal_token_wish *wish)
{
    uint64_t days = BAL_TOKEN_DAYS_DEFAULT;
    if (!words->role || !bal_role_find(bal_slice_of(words->role), &wish->role))
        return app_usage("token new: --role is one of analyst, dpo, operator");
    if (words->expires &&
        (bal_slice_u64(bal_slice_of(words->expires), BAL_TOKEN_DAYS_MAX, &days) != BAL_OK || !days))
        return app_usage("token new: --expires is a number of days, 1 to %d", BAL_TOKEN_DAYS_MAX);
    wish->site = words->site;
    wish->days = (int)days;
    return EXIT_OK;
}

static int make(const struct bal_config *config, const struct bal_token_wish *wish)
{
    struct bal_error error = {0};
    char text[BAL_TOKEN_TEXT_BYTES];
    if (wish->site && bal_config_site(config, bal_slice_of(wish->site)) < 0) {
        (void)bal_error_set(&error, BAL_ENOTFOUND, "the configuration has no site %s", wish->site);
        return app_failed(&error);
    }
    if (bal_token_new(config->data_dir, bal_clock_system(), wish, text, &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("%s\n", text);
    explicit_bzero(text, sizeof text);
    return EXIT_OK;
}

/* ---- list and revoke ---- */

static void print_token(void *context, const struct bal_token *token)
{
    const int64_t now_ms = *(const int64_t *)context;
    char made[BAL_DATE_BYTES], end[BAL_DATE_BYTES] = "never";
    bal_day_text((int32_t)(token->made_ms / DAY_MS), made);
    if (token->end_ms)
        bal_day_text((int32_t)(token->end_ms / DAY_MS), end);
    (void)printf("%-8s  %-8s  %-10s  %-10s  %s%s\n", token->grant.name,
                 bal_role_name(token->grant.role), made, end,
                 token->grant.site[0] ? token->grant.site : "*",
                 token->end_ms && token->end_ms <= now_ms ? "  (expired)" : "");
}

static int list(const struct bal_config *config)
{
    struct bal_error error = {0};
    int64_t now_ms = bal_clock_now_ms(bal_clock_system());
    (void)printf("%-8s  %-8s  %-10s  %-10s  %s\n", "name", "role", "made", "expires", "site");
    const bal_status status = bal_token_list(config->data_dir, print_token, &now_ms, &error);
    return status ? app_failed(&error) : EXIT_OK;
}

static int revoke(const struct bal_config *config, const char *name)
{
    struct bal_error error = {0};
    if (bal_token_revoke(config->data_dir, bal_clock_system(), name, &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("%s is revoked\n", name);
    return EXIT_OK;
}

/** What is said for one verb may not be said for another. */
static int check_words(const struct words *words)
{
    const bool makes = is_verb(words, "new"), revokes = is_verb(words, "revoke");
    if (!makes && !revokes && !is_verb(words, "list"))
        return app_usage("token: say what to do: new, list or revoke");
    if (!makes && (words->role || words->site || words->expires))
        return app_usage("token %s has no option but --config", words->verb[0]);
    if (revokes != (words->verb[1] != NULL))
        return revokes ? app_usage("token revoke: which? say its name, as token list shows it")
                       : app_usage("token %s: what is %s?", words->verb[0], words->verb[1]);
    return EXIT_OK;
}

int token_run(int argc, char **argv)
{
    struct words words = {0};
    const struct app_option options[] = {{.name = "config", .value = &words.config},
                                         {.name = "role", .value = &words.role},
                                         {.name = "site", .value = &words.site},
                                         {.name = "expires", .value = &words.expires}};
    struct bal_token_wish wish = {0};
    struct bal_config *config = NULL;
    int result = app_options(argc, argv, options, 4, words.verb, 2);
    if (!result)
        result = check_words(&words);
    if (!result && is_verb(&words, "new"))
        result = read_wish(&words, &wish);
    if (!result)
        result = app_load(words.config, &config);
    if (result)
        return result;
    if (is_verb(&words, "new"))
        result = make(config, &wish);
    else
        result = is_verb(&words, "list") ? list(config) : revoke(config, words.verb[1]);
    bal_config_destroy(config);
    return result;
}
