// SPDX-License-Identifier: EUPL-1.2
// A disk that once cannot say whether a file is there, or what a folder holds: nothing that is
// there is taken for gone, let alone made anew.
#include "private.h"
#include "refuse.h"
#include "store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <cmocka.h>

enum { VIEWS = 20, DAY_S = 24 * 3600, ANY = 1 << 14 };

static struct refusal looking, listing;
static const char *hidden = ""; /* in the path of what cannot be seen */

int access(const char *path, int how)
{
    if (strstr(path, hidden) && refuse(&looking))
        return -1;
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, how);
}

struct dirent *readdir(DIR *folder)
{
    static struct dirent *(*next)(DIR *);
    char link[64], path[4096] = "";
    if (!next)
        find_next("readdir", &next);
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd(folder));
    if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, hidden) && refuse(&listing))
        return NULL;
    return next(folder);
}

static void see(struct fixture *f)
{
    for (unsigned v = 0; v < VIEWS; v++)
        (void)fixture_view(f, "/a", v, 1000);
    assert_int_equal(fixture_land(f), BAL_OK);
}

/* A restart during which the system cannot look, so many times, at what has that in its path. */
static void restart_unseeing(struct fixture *f, const char *path, unsigned times)
{
    fixture_shut(f);
    hidden = path;
    looking = (struct refusal){.times = times, .code = EIO};
    fixture_open(f);
}

static uint64_t told_on(struct fixture *f, int32_t day)
{
    struct found found;
    fixture_read(f, BAL_TIER_DAILY, BAL_MARGIN_SITE, day, &found);
    return fixture_total(&found);
}

static void an_open_day_that_is_not_seen_at_a_start_is_not_lost(void **state)
{
    (void)state;
    for (unsigned times = 1; times < ANY; times *= 16) {
        struct fixture f;
        fixture_begin(&f, ",\"store\":{\"journal\":false}");
        see(&f);
        restart_unseeing(&f, "/open/", times);
        looking.times = 0;
        fixture_tick_at(&f, FIXTURE_NOON_S + DAY_S);
        assert_int_equal(told_on(&f, FIXTURE_DAY), VIEWS);
        fixture_end(&f);
    }
}

static void a_month_that_is_not_seen_at_a_closing_is_not_made_anew(void **state)
{
    (void)state;
    for (unsigned times = 1; times < ANY; times *= 16) {
        struct fixture f;
        fixture_begin(&f, "");
        see(&f);
        fixture_tick_at(&f, FIXTURE_NOON_S + DAY_S);
        restart_unseeing(&f, "/daily/", times);
        see(&f);
        fixture_tick_at(&f, FIXTURE_NOON_S + 2 * DAY_S);
        looking.times = 0;
        assert_int_equal(told_on(&f, FIXTURE_DAY), VIEWS);
        assert_int_equal(told_on(&f, FIXTURE_DAY + 1), VIEWS);
        fixture_end(&f);
    }
}

static void days_that_cannot_be_listed_end_a_start(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_error error = {0};
    fixture_begin(&f, ",\"store\":{\"journal\":false}");
    see(&f);
    fixture_shut(&f);
    hidden = "/open";
    listing = (struct refusal){.times = ANY, .code = EIO};
    assert_int_not_equal(fixture_try_open(&f, &error), BAL_OK);
    listing.times = 0;
    bal_keyring_destroy(f.keyring);
    fixture_open(&f);
    fixture_tick_at(&f, FIXTURE_NOON_S + DAY_S);
    assert_int_equal(told_on(&f, FIXTURE_DAY), VIEWS);
    fixture_end(&f);
}

static void sites_that_are_not_seen_keep_their_numbers(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    const uint16_t numbers[] = {1, 2};
    fixture_begin(&f, "");
    fixture_shut(&f);
    (void)snprintf(path, sizeof path, "%s/data/sites", f.folder);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("one-that-left\nportal\nultramarine\n", file) > 0);
    assert_int_equal(fclose(file), 0);
    fixture_open(&f);
    restart_unseeing(&f, "/sites", 1);
    assert_int_equal(looking.times, 0);
    assert_memory_equal(f.store->site_ids, numbers, sizeof numbers);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_day_that_is_not_seen_at_a_start_is_not_lost),
        cmocka_unit_test(a_month_that_is_not_seen_at_a_closing_is_not_made_anew),
        cmocka_unit_test(days_that_cannot_be_listed_end_a_start),
        cmocka_unit_test(sites_that_are_not_seen_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
