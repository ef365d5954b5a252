// SPDX-License-Identifier: EUPL-1.2
// User agents to two enums and a flag. One pass marks which known words occur, a few rules then
// read the marks: browsers lie by naming others (Edge says Chrome says Safari), so the order of the
// rules is the knowledge, not the parsing. Words are looked up by their first three letters, and
// most bytes of a user agent begin none. No version and no system is ever read.
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

// A list a letter. Longer words first where one begins with the other: a match is skipped as a
// whole.
// clang-format off
#define A_WORDS(X) \
    X("android", ANDROID) X("appletv", TELEVISION) X("axios/", BOT) X("aiohttp", BOT) \
    X("apachebench", BOT)
#define B_WORDS(X) \
    X("bot", BOT) X("bingpreview", BOT)
#define C_WORDS(X) \
    X("chrome/", CHROME) X("chromium/", CHROME) X("crios/", CHROME) X("cros ", DESKTOP) \
    X("crawl", BOT) X("curl/", BOT) X("cubot", CUBOT) X("check_http", BOT) X("catchpoint", BOT)
#define D_WORDS(X) \
    X("dareboost", BOT) X("datadog", BOT)
#define E_WORDS(X) \
    X("edg/", EDGE) X("edga/", EDGE) X("edgios/", EDGE) X("edge/", EDGE)
#define F_WORDS(X) \
    X("firefox/", FIREFOX) X("fxios/", FIREFOX) X("facebookexternalhit", BOT) \
    X("feedfetcher", BOT)
#define G_WORDS(X) \
    X("go-http-client", BOT) X("googletv", TELEVISION) X("gtmetrix", BOT) X("guzzle", BOT) \
    X("google-inspectiontool", BOT)
#define H_WORDS(X) \
    X("headless", BOT) X("httpclient", BOT) X("http-client", BOT) X("hbbtv", TELEVISION) \
    X("heritrix", BOT) X("httrack", BOT)
#define I_WORDS(X) \
    X("iphone", MOBILE) X("ipad", TABLET) X("ipod", MOBILE)
#define J_WORDS(X) \
    X("java/", BOT) X("jakarta", BOT)
#define K_WORDS(X) \
    X("kindle", TABLET)
#define L_WORDS(X) \
    X("lighthouse", BOT) X("libwww", BOT) X("linkcheck", BOT)
#define M_WORDS(X) \
    X("mobile", MOBILE) X("macintosh", DESKTOP) X("midp", MOBILE) X("monitor", BOT) \
    X("mediapartners", BOT)
#define N_WORDS(X) \
    X("node-fetch", BOT) X("nagios", BOT) X("nutch", BOT) X("netcast", TELEVISION) \
    X("newrelic", BOT) X("nikto", BOT) X("nmap", BOT)
#define O_WORDS(X) \
    X("opr/", OPERA) X("opera mini", OPERA | MOBILE) X("opera", OPERA) X("opios/", OPERA) \
    X("opt/", OPERA) X("okhttp", BOT)
#define P_WORDS(X) \
    X("python-requests", BOT) X("python-urllib", BOT) X("python-httpx", BOT) X("python/", BOT) \
    X("pingdom", BOT) X("phantomjs", BOT) X("puppeteer", BOT) X("playwright", BOT) \
    X("pagespeed", BOT) X("postman", BOT) X("prerender", BOT) X("ptst/", BOT) \
    X("playbook", TABLET)
#define R_WORDS(X) \
    X("ruby", BOT)
#define S_WORDS(X) \
    X("safari/", SAFARI) X("samsungbrowser", SAMSUNG) X("silk/", TABLET) X("smart-tv", TELEVISION) \
    X("smarttv", TELEVISION) X("spider", BOT) X("slurp", BOT) X("scrapy", BOT) X("selenium", BOT) \
    X("statuscake", BOT) X("site24x7", BOT)
#define T_WORDS(X) \
    X("tablet", TABLET)
#define U_WORDS(X) \
    X("uptime", BOT) X("undici", BOT)
#define V_WORDS(X) \
    X("validator", BOT)
#define W_WORDS(X) \
    X("windows nt", WINDOWS) X("wget", BOT) X("web0s", TELEVISION)
#define X_WORDS(X) \
    X("x11", DESKTOP)
#define Z_WORDS(X) \
    X("zabbix", BOT) X("zgrab", BOT)
// clang-format on

struct list {
    const struct word *words;
    uint32_t seconds, thirds; // a bit for each second and third letter: most bytes end here
};
#define BIT(c) (UINT32_C(1) << ((unsigned char)(c)&31))
#define SECOND(text_, marks_) | BIT((text_)[1])
#define THIRD(text_, marks_) | BIT((text_)[2])
#define WORD(text_, marks_) {.text = (text_), .length = sizeof(text_) - 1, .marks = (marks_)},
#define LIST(words_)                                                                               \
    {                                                                                              \
        .words = (const struct word[]){words_(WORD){.text = NULL}}, .seconds = 0 words_(SECOND),   \
        .thirds = 0 words_(THIRD)                                                                  \
    }
enum { LETTERS = 26 };
static const struct list lists[LETTERS] = {
    ['a' - 'a'] = LIST(A_WORDS), ['b' - 'a'] = LIST(B_WORDS), ['c' - 'a'] = LIST(C_WORDS),
    ['d' - 'a'] = LIST(D_WORDS), ['e' - 'a'] = LIST(E_WORDS), ['f' - 'a'] = LIST(F_WORDS),
    ['g' - 'a'] = LIST(G_WORDS), ['h' - 'a'] = LIST(H_WORDS), ['i' - 'a'] = LIST(I_WORDS),
    ['j' - 'a'] = LIST(J_WORDS), ['k' - 'a'] = LIST(K_WORDS), ['l' - 'a'] = LIST(L_WORDS),
    ['m' - 'a'] = LIST(M_WORDS), ['n' - 'a'] = LIST(N_WORDS), ['o' - 'a'] = LIST(O_WORDS),
    ['p' - 'a'] = LIST(P_WORDS), ['r' - 'a'] = LIST(R_WORDS), ['s' - 'a'] = LIST(S_WORDS),
    ['t' - 'a'] = LIST(T_WORDS), ['u' - 'a'] = LIST(U_WORDS), ['v' - 'a'] = LIST(V_WORDS),
    ['w' - 'a'] = LIST(W_WORDS), ['x' - 'a'] = LIST(X_WORDS), ['z' - 'a'] = LIST(Z_WORDS),
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

/** The word that begins at `at`, one of the list of its first letter, or NULL. */
static const struct word *find_word(const struct list *list, const char *at, size_t left)
{
    const struct word *word = list->words;
    while (word->text && !matches(at, left, word)) {
        word++;
    }
    return word->text ? word : NULL;
}

static unsigned marks_of(struct bal_slice text)
{
    unsigned marks = 0;
    for (size_t i = 0; i + 2 < text.length; i++) { // words have three letters at least
        const char *const at = text.data + i;
        const unsigned letter = ((unsigned char)*at | 0x20u) - 'a'; // of either case
        if (letter >= LETTERS) {
            continue;
        }
        const struct list *const list = &lists[letter];
        if (!(list->seconds & BIT(at[1])) || !(list->thirds & BIT(at[2]))) {
            continue;
        }
        const struct word *const word = find_word(list, at, text.length - i);
        if (word) {
            marks |= word->marks;
            i += word->length - 1;
        }
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
