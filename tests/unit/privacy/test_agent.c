// SPDX-License-Identifier: EUPL-1.2
// User agents as browsers really send them, and robots.
#include <balise/privacy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOZILLA "Mozilla/5.0 "
#define WEBKIT "AppleWebKit/537.36 (KHTML, like Gecko) "
#define IOS "AppleWebKit/605.1.15 (KHTML, like Gecko) "

struct sample {
    const char *user_agent;
    enum bal_device device;
    enum bal_browser browser;
};

static const struct sample people[] = {
    {MOZILLA "(Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/131.0.0.0 Safari/537.36",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_CHROME},
    {MOZILLA "(Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_EDGE},
    {MOZILLA "(Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/64.0 Safari/537.36 Edge/17.17134",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_EDGE},
    {MOZILLA "(Linux; Android 10; K) " WEBKIT
             "Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0",
     BAL_DEVICE_MOBILE, BAL_BROWSER_EDGE},
    {MOZILLA "(iPhone; CPU iPhone OS 17_7 like Mac OS X) " IOS
             "Version/17.0 EdgiOS/130.0 Mobile/15E148 Safari/604.1",
     BAL_DEVICE_MOBILE, BAL_BROWSER_EDGE},
    {MOZILLA "(Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/130.0.0.0 Safari/537.36 OPR/116.0.0.0",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_OPERA},
    {"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1/28.3492; U; fr) Presto/2.8.119 Version/11.10",
     BAL_DEVICE_MOBILE, BAL_BROWSER_OPERA},
    {MOZILLA "(Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_FIREFOX},
    {MOZILLA "(X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", BAL_DEVICE_DESKTOP,
     BAL_BROWSER_FIREFOX},
    {MOZILLA "(Android 15; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", BAL_DEVICE_MOBILE,
     BAL_BROWSER_FIREFOX},
    {MOZILLA "(Android 15; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0", BAL_DEVICE_TABLET,
     BAL_BROWSER_FIREFOX},
    {MOZILLA "(iPhone; CPU iPhone OS 14_7 like Mac OS X) " IOS
             "FxiOS/133.0 Mobile/15E148 Safari/605.1.15",
     BAL_DEVICE_MOBILE, BAL_BROWSER_FIREFOX},
    {MOZILLA "(iPad; CPU OS 17_7 like Mac OS X) " IOS
             "CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
     BAL_DEVICE_TABLET, BAL_BROWSER_CHROME},
    {MOZILLA "(Macintosh; Intel Mac OS X 10_15_7) " IOS "Version/18.1 Safari/605.1.15",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_SAFARI},
    {MOZILLA "(iPhone; CPU iPhone OS 18_1 like Mac OS X) " IOS
             "Version/18.1 Mobile/15E148 Safari/604.1",
     BAL_DEVICE_MOBILE, BAL_BROWSER_SAFARI},
    {MOZILLA "(iPhone; CPU iPhone OS 18_1 like Mac OS X) " IOS "Mobile/15E148", BAL_DEVICE_MOBILE,
     BAL_BROWSER_OTHER},
    {MOZILLA "(Linux; Android 14; SM-S911B) " WEBKIT
             "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
     BAL_DEVICE_MOBILE, BAL_BROWSER_SAMSUNG},
    {MOZILLA "(Linux; Android 13; SM-X906C) " WEBKIT "Chrome/131.0.0.0 Safari/537.36",
     BAL_DEVICE_TABLET, BAL_BROWSER_CHROME},
    {MOZILLA "(X11; CrOS x86_64 14541.0.0) " WEBKIT "Chrome/131.0.0.0 Safari/537.36",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_CHROME},
    {MOZILLA "(Linux; U; Android 4.0.3; fr-fr) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 "
             "Mobile Safari/534.30",
     BAL_DEVICE_MOBILE, BAL_BROWSER_OTHER},
    {MOZILLA "(compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; Tablet PC 2.0)",
     BAL_DEVICE_DESKTOP, BAL_BROWSER_OTHER},
    {MOZILLA "(Linux; Android 9; CUBOT_X19) " WEBKIT "Chrome/120.0.0.0 Mobile Safari/537.36",
     BAL_DEVICE_MOBILE, BAL_BROWSER_CHROME},
    {MOZILLA "(SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) "
             "SamsungBrowser/3.0 Chrome/76.0 TV Safari/537.36",
     BAL_DEVICE_OTHER, BAL_BROWSER_SAMSUNG},
    {"", BAL_DEVICE_OTHER, BAL_BROWSER_OTHER},
    {NULL, BAL_DEVICE_OTHER, BAL_BROWSER_OTHER},
    {"something else", BAL_DEVICE_OTHER, BAL_BROWSER_OTHER},
};

static const char *const robots[] = {
    MOZILLA "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    MOZILLA "(Linux; Android 6.0.1; Nexus 5X) " WEBKIT
            "Chrome/131.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    MOZILLA "(compatible; bingbot/2.0)",
    MOZILLA "(compatible; AhrefsBot/7.0)",
    MOZILLA "(compatible; Baiduspider/2.0)",
    MOZILLA "(compatible; Yahoo! Slurp)",
    MOZILLA "(X11; Linux x86_64) " WEBKIT "HeadlessChrome/131.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "Wget/1.21.3",
    "python-requests/2.32.3",
    "Python/3.11 aiohttp/3.9.5",
    "Go-http-client/2.0",
    "Java/17.0.2",
    "okhttp/4.12.0",
    "Apache-HttpClient/4.5.13 (Java/11.0.16)",
    "libwww-perl/6.67",
    "check_http/v2.3.3 (nagios-plugins 2.3.3)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    MOZILLA "(compatible; UptimeRobot/2.0)",
    MOZILLA "(Linux; Android 11) " WEBKIT "Chrome/131.0 Mobile Safari/537.36 Chrome-Lighthouse",
    "facebookexternalhit/1.1",
    "SomeBot/1.0 (+https://bot.example)",
    "Scrapy/2.11.2 (+https://scrapy.org)",
    "SEO-CRAWLER",
};

static void classifies_what_people_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        const struct bal_agent agent = bal_agent_classify(bal_slice_of(people[i].user_agent));
        if (agent.device != people[i].device || agent.browser != people[i].browser || agent.bot) {
            fail_msg("%s: device %d browser %d bot %d", people[i].user_agent, (int)agent.device,
                     (int)agent.browser, agent.bot);
        }
    }
}

static void knows_robots(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof robots / sizeof robots[0]; i++) {
        if (!bal_agent_classify(bal_slice_of(robots[i])).bot) {
            fail_msg("taken for a person: %s", robots[i]);
        }
    }
}

static void does_not_mind_case(void **state)
{
    (void)state;
    const struct bal_agent agent =
        bal_agent_classify(BAL_SLICE("mozilla/5.0 (WINDOWS nt 10.0) FIREFOX/133.0"));
    assert_int_equal(agent.device, BAL_DEVICE_DESKTOP);
    assert_int_equal(agent.browser, BAL_BROWSER_FIREFOX);
}

static void privacy_04_any_bytes_give_a_known_answer(void **state)
{
    (void)state;
    srand(2);
    for (int i = 0; i < 100000; i++) {
        // Cuts and splices of real ones: words end at the very end of the memory.
        const struct bal_slice a = bal_slice_of(people[(size_t)rand() % 23].user_agent);
        const size_t from = (size_t)rand() % a.length;
        const size_t length = (size_t)rand() % (a.length - from + 1);
        char *const exact = bal_alloc(length); // no terminator: an overread is seen
        memcpy(exact, a.data + from, length);
        if (length) {
            exact[(size_t)rand() % length] = (char)rand();
        }
        const struct bal_agent agent = bal_agent_classify((struct bal_slice){exact, length});
        assert_true((unsigned)agent.device < BAL_DEVICE_COUNT);
        assert_true((unsigned)agent.browser < BAL_BROWSER_COUNT);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifies_what_people_use),
        cmocka_unit_test(knows_robots),
        cmocka_unit_test(does_not_mind_case),
        cmocka_unit_test(privacy_04_any_bytes_give_a_known_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
