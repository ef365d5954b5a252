// SPDX-License-Identifier: EUPL-1.2
// User agents to two enums and a flag. One pass marks which known words occur, a few rules then
// read the marks: browsers lie by naming others (Edge says Chrome says Safari), so the order of the
// rules is the knowledge, not the parsing. Words are looked up by their first letter: most bytes of
// a user agent cost one table read. No version and no system is ever read.
#include <balise/privacy.h>

#include <string.h>

/** Marks. A word may set several. */
enum mark {
    BOT = 1 << 0,
    EDGE = 1 << 1,
    OPERA = 1 << 2,
    SAMSUNG = 1 << 3,
    FIREFOX = 1 << 4,
    CHROME = 1 << 5,
    SAFARI = 1 << 6,
    TABLET = 1 << 7,
    MOBILE = 1 << 8,
    ANDROID = 1 << 9,
    WINDOWS = 1 << 10,
    DESKTOP = 1 << 11,
    TELEVISION = 1 << 12,
    CUBOT = 1 << 13 // a make of telephones, not a robot
};

struct word {
    const char *text; // lower case; NULL ends a list
    size_t length;
    unsigned marks;
};

#define WORD(text_, marks_)                                                                        \
    {                                                                                              \
        .text = (text_), .length = sizeof(text_) - 1, .marks = (marks_)                            \
    }
#define WORDS(...)                                                                                 \
    (const struct word[])                                                                          \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .text = NULL                                                                           \
        }                                                                                          \
    }

enum { LETTERS = 26 };
// Longer words first where one begins with the other: a match is skipped as a whole.
static const struct word *const words[LETTERS] = {
    ['a' - 'a'] = WORDS(WORD("android", ANDROID), WORD("appletv", TELEVISION), WORD("axios/", BOT),
                        WORD("aiohttp", BOT), WORD("apachebench", BOT)),
    ['b' - 'a'] = WORDS(WORD("bot", BOT), WORD("bingpreview", BOT)),
    ['c' - 'a'] = WORDS(WORD("chrome/", CHROME), WORD("chromium/", CHROME), WORD("crios/", CHROME),
                        WORD("cros ", DESKTOP), WORD("crawl", BOT), WORD("curl/", BOT),
                        WORD("cubot", CUBOT), WORD("check_http", BOT), WORD("catchpoint", BOT)),
    ['d' - 'a'] = WORDS(WORD("dareboost", BOT), WORD("datadog", BOT)),
    ['e' - 'a'] =
        WORDS(WORD("edg/", EDGE), WORD("edga/", EDGE), WORD("edgios/", EDGE), WORD("edge/", EDGE)),
    ['f' - 'a'] = WORDS(WORD("firefox/", FIREFOX), WORD("fxios/", FIREFOX),
                        WORD("facebookexternalhit", BOT), WORD("feedfetcher", BOT)),
    ['g' - 'a'] =
        WORDS(WORD("go-http-client", BOT), WORD("googletv", TELEVISION), WORD("gtmetrix", BOT),
              WORD("guzzle", BOT), WORD("google-inspectiontool", BOT)),
    ['h' - 'a'] = WORDS(WORD("headless", BOT), WORD("httpclient", BOT), WORD("http-client", BOT),
                        WORD("hbbtv", TELEVISION), WORD("heritrix", BOT), WORD("httrack", BOT)),
    ['i' - 'a'] = WORDS(WORD("iphone", MOBILE), WORD("ipad", TABLET), WORD("ipod", MOBILE)),
    ['j' - 'a'] = WORDS(WORD("java/", BOT), WORD("jakarta", BOT)),
    ['k' - 'a'] = WORDS(WORD("kindle", TABLET)),
    ['l' - 'a'] = WORDS(WORD("lighthouse", BOT), WORD("libwww", BOT), WORD("linkcheck", BOT)),
    ['m' - 'a'] = WORDS(WORD("mobile", MOBILE), WORD("macintosh", DESKTOP), WORD("midp", MOBILE),
                        WORD("monitor", BOT), WORD("mediapartners", BOT)),
    ['n' - 'a'] = WORDS(WORD("node-fetch", BOT), WORD("nagios", BOT), WORD("nutch", BOT),
                        WORD("netcast", TELEVISION), WORD("newrelic", BOT), WORD("nikto", BOT),
                        WORD("nmap", BOT)),
    ['o' - 'a'] =
        WORDS(WORD("opr/", OPERA), WORD("opera mini", OPERA | MOBILE), WORD("opera", OPERA),
              WORD("opios/", OPERA), WORD("opt/", OPERA), WORD("okhttp", BOT)),
    ['p' - 'a'] = WORDS(WORD("python-requests", BOT), WORD("python-urllib", BOT),
                        WORD("python-httpx", BOT), WORD("python/", BOT), WORD("pingdom", BOT),
                        WORD("phantomjs", BOT), WORD("puppeteer", BOT), WORD("playwright", BOT),
                        WORD("pagespeed", BOT), WORD("postman", BOT), WORD("prerender", BOT),
                        WORD("ptst/", BOT), WORD("playbook", TABLET)),
    ['r' - 'a'] = WORDS(WORD("ruby", BOT)),
    ['s' - 'a'] =
        WORDS(WORD("safari/", SAFARI), WORD("samsungbrowser", SAMSUNG), WORD("silk/", TABLET),
              WORD("smart-tv", TELEVISION), WORD("smarttv", TELEVISION), WORD("spider", BOT),
              WORD("slurp", BOT), WORD("scrapy", BOT), WORD("selenium", BOT),
              WORD("statuscake", BOT), WORD("site24x7", BOT)),
    ['t' - 'a'] = WORDS(WORD("tablet", TABLET)),
    ['u' - 'a'] = WORDS(WORD("uptime", BOT), WORD("undici", BOT)),
    ['v' - 'a'] = WORDS(WORD("validator", BOT)),
    ['w' - 'a'] = WORDS(WORD("windows nt", WINDOWS), WORD("wget", BOT), WORD("web0s", TELEVISION)),
    ['x' - 'a'] = WORDS(WORD("x11", DESKTOP)),
    ['z' - 'a'] = WORDS(WORD("zabbix", BOT), WORD("zgrab", BOT)),
};

static unsigned lower(char c)
{
    const unsigned byte = (unsigned char)c;
    return byte - 'A' < LETTERS ? byte + 'a' - 'A' : byte;
}

static bool matches(const char *at, size_t left, const struct word *word)
{
    if (word->length > left) {
        return false;
    }
    for (size_t i = 1; i < word->length; i++) { // the first letter chose the list
        if (lower(at[i]) != (unsigned char)word->text[i]) {
            return false;
        }
    }
    return true;
}

static unsigned marks_of(struct bal_slice text)
{
    unsigned marks = 0;
    for (size_t i = 0; i < text.length;) {
        const unsigned letter = lower(text.data[i]) - 'a';
        const struct word *word = letter < LETTERS ? words[letter] : NULL;
        while (word && word->text && !matches(text.data + i, text.length - i, word)) {
            word++;
        }
        const bool found = word && word->text;
        marks |= found ? word->marks : 0;
        i += found ? word->length : 1;
    }
    return marks;
}

static enum bal_browser browser_of(unsigned marks)
{
    static const struct {
        unsigned mark;
        enum bal_browser browser;
    } rules[] = {
        {EDGE, BAL_BROWSER_EDGE},       {OPERA, BAL_BROWSER_OPERA},
        {SAMSUNG, BAL_BROWSER_SAMSUNG}, {FIREFOX, BAL_BROWSER_FIREFOX},
        {CHROME, BAL_BROWSER_CHROME},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (marks & rules[i].mark) {
            return rules[i].browser;
        }
    }
    // Android's old browser also says Safari, and is not.
    return (marks & (SAFARI | ANDROID)) == SAFARI ? BAL_BROWSER_SAFARI : BAL_BROWSER_OTHER;
}

static enum bal_device device_of(unsigned marks)
{
    if (marks & TELEVISION) {
        return BAL_DEVICE_OTHER;
    }
    if (marks & WINDOWS) {
        return BAL_DEVICE_DESKTOP; // before tablets: old Internet Explorers say "Tablet PC"
    }
    if ((marks & TABLET) || (marks & (ANDROID | MOBILE)) == ANDROID) {
        return BAL_DEVICE_TABLET;
    }
    if (marks & MOBILE) {
        return BAL_DEVICE_MOBILE;
    }
    return marks & DESKTOP ? BAL_DEVICE_DESKTOP : BAL_DEVICE_OTHER;
}

struct bal_agent bal_agent_classify(struct bal_slice user_agent)
{
    const unsigned marks = marks_of(user_agent);
    return (struct bal_agent){
        .device = device_of(marks), .browser = browser_of(marks), .bot = (marks & BOT) != 0};
}
