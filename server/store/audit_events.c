// SPDX-License-Identifier: EUPL-1.2
// What happens often is counted first: a token that is used all day makes one record a day, and a
// flood of wrong tokens one a minute. So the log grows with what people do, not with what a program
// sends, and a record of a log-in says nothing about the question that was asked.
#include "audit_private.h"

#include <balise/zone.h>

#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60000, DAY_MS = 86400000 };

// Written out here: the store's names of roles come with the whole file of tokens.
static const char *role_text(enum bal_role role)
{
    switch (role) {
    case BAL_ROLE_ANALYST:
        return "analyst";
    case BAL_ROLE_DPO:
        return "dpo";
    case BAL_ROLE_OPERATOR:
        return "operator";
    case BAL_ROLE_COUNT:
        break;
    }
    return "unknown";
}

void audit_flush_locked(struct bal_audit *audit, bool in_any_case)
{
    const int64_t minute = bal_clock_now_ms(audit->clock) / MINUTE_MS;
    if (!audit->login_count || (!in_any_case && minute == audit->login_minute)) {
        return;
    }
    char date[BAL_DATE_BYTES], text[BAL_DATE_BYTES + 16];
    bal_day_text((int32_t)(audit->login_minute / 1440), date);
    (void)snprintf(text, sizeof text, "%sT%02d:%02dZ", date, (int)(audit->login_minute / 60 % 24),
                   (int)(audit->login_minute % 60));
    const struct bal_log_field fields[] = {BAL_NUM("count", audit->login_count),
                                           BAL_NAME("minute", text)};
    audit->login_count = 0;
    // What could not be written has been told to the log of the process.
    (void)!audit_write_locked(audit, "login_failed", fields, 2, NULL);
}

void bal_audit_login_failed(struct bal_audit *audit)
{
    if (!audit) {
        return;
    }
    (void)pthread_mutex_lock(&audit->lock);
    audit_flush_locked(audit, false);
    audit->login_minute = bal_clock_now_ms(audit->clock) / MINUTE_MS;
    audit->login_count++;
    (void)pthread_mutex_unlock(&audit->lock);
}

void bal_audit_tick(struct bal_audit *audit)
{
    if (!audit) {
        return;
    }
    (void)pthread_mutex_lock(&audit->lock);
    audit_flush_locked(audit, false);
    (void)pthread_mutex_unlock(&audit->lock);
}

static bool same(const struct bal_grant *a, const struct bal_grant *b)
{
    return a->role == b->role && !strcmp(a->site, b->site) && !strcmp(a->name, b->name);
}

/** What is known of a token's day; valid until the next call. */
static struct audit_user *user_of(struct bal_audit *audit, const struct bal_grant *grant)
{
    const int64_t day = bal_clock_now_ms(audit->clock) / DAY_MS;
    if (day != audit->user_day) {
        audit->user_day = day;
        audit->user_count = 0;
    }
    for (size_t i = 0; i < audit->user_count; i++) {
        if (same(&audit->users[i].grant, grant)) {
            return &audit->users[i];
        }
    }
    if (audit->user_count == audit->user_room) {
        audit->user_room = audit->user_room > 0 ? 2 * audit->user_room : 16;
        audit->users = bal_realloc(audit->users, audit->user_room * sizeof *audit->users);
    }
    struct audit_user *const made = &audit->users[audit->user_count++];
    *made = (struct audit_user){.grant = *grant};
    return made;
}

static bool say_of_token(struct bal_audit *audit, const char *what, const struct bal_grant *grant)
{
    const struct bal_log_field fields[] = {BAL_NAME("role", role_text(grant->role)),
                                           BAL_NAME("site", grant->site[0] ? grant->site : "*"),
                                           BAL_NAME("token", grant->name[0] ? grant->name : "-")};
    return !audit_write_locked(audit, what, fields, 3, NULL); // if not: again at the next use
}

void bal_audit_token_used(struct bal_audit *audit, const struct bal_grant *grant)
{
    if (!audit) {
        return;
    }
    (void)pthread_mutex_lock(&audit->lock);
    audit_flush_locked(audit, false);
    struct audit_user *const user = user_of(audit, grant);
    user->used = user->used || say_of_token(audit, "token_used", grant);
    (void)pthread_mutex_unlock(&audit->lock);
}

void bal_audit_token_limited(struct bal_audit *audit, const struct bal_grant *grant)
{
    if (!audit) {
        return;
    }
    (void)pthread_mutex_lock(&audit->lock);
    struct audit_user *const user = user_of(audit, grant);
    user->limited = user->limited || say_of_token(audit, "token_limited", grant);
    (void)pthread_mutex_unlock(&audit->lock);
}
