// SPDX-License-Identifier: EUPL-1.2
// Paths to pages: what a portal allowed, or what is left when everything personal is masked. Every
// name, number and token here is made up.
#include <balise/privacy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bal_templates *templates_of(const char *const *pages, size_t count)
{
    struct bal_site site = {.page_count = count};
    site.pages = bal_calloc(count, sizeof *site.pages);
    for (size_t i = 0; i < count; i++) {
        site.pages[i] = bal_slice_dup(bal_slice_of(pages[i]));
    }
    struct bal_templates *templates = NULL;
    struct bal_error error = {0};
    if (bal_templates_create(&site, &templates, &error)) {
        fail_msg("%s", error.text);
    }
    for (size_t i = 0; i < count; i++) {
        free(site.pages[i]);
    }
    free(site.pages);
    return templates;
}

static const char *reduce_bytes(const struct bal_templates *templates, struct bal_slice path)
{
    static char text[BAL_PAGE_MAX_BYTES + 1];
    const size_t length = bal_templates_reduce(templates, path, text);
    assert_in_range(length, 1, BAL_PAGE_MAX_BYTES);
    text[length] = '\0';
    assert_int_equal(strlen(text), length);
    return text;
}

static const char *reduce(const struct bal_templates *templates, const char *path)
{
    return reduce_bytes(templates, bal_slice_of(path));
}

static void first_matching_template_wins(void **state)
{
    (void)state;
    static const char *const pages[] = {
        "/",
        "/demarches",
        "/demarches/aide",
        "/demarches/:name",
        "/demarches/:name/etape-:step",
        "/dossier/:id",
        "/:lang/accueil.html",
        "/fichiers/:nom.pdf",
        "/d%C3%A9claration/:id",
        "/demarches/tard",
    };
    static const char *const expected[][2] = {
        {"/", "/"},
        {"", BAL_OTHER},
        {"//", "/"},
        {"/?q=jean", "/"},
        {"/demarches", "/demarches"},
        {"/demarches/", "/demarches"},
        {"/demarches/aide", "/demarches/aide"},
        {"/demarches/permis", "/demarches/:name"},
        {"/demarches/tard", "/demarches/:name"}, // configured after it
        {"//demarches///permis//", "/demarches/:name"},
        {"/demarches/permis/etape-2", "/demarches/:name/etape-:step"},
        {"/demarches/permis/etape-", BAL_OTHER},
        {"/demarches/permis/fin", BAL_OTHER},
        {"/Demarches/permis", BAL_OTHER},
        {"/dossier/2026-0001?token=secret#part", "/dossier/:id"},
        {"/dossier/a%2Fb", "/dossier/:id"}, // the escaped slash is inside the segment
        {"/dossier/a/b", BAL_OTHER},
        {"/dossier;jsessionid=ABCDEF/12", "/dossier/:id"},
        {"/fr/accueil.html", "/:lang/accueil.html"},
        {"/fichiers/x.pdf", "/fichiers/:nom.pdf"},
        {"/fichiers/.pdf", BAL_OTHER},
        {"/fichiers/x.pdfx", BAL_OTHER},
        {"/d\xc3\xa9"
         "claration/7",
         "/d%C3%A9claration/:id"},
        {"/d%c3%a9claration/7", "/d%C3%A9claration/:id"},
        {"/unknown", BAL_OTHER},
        {"demarches", BAL_OTHER},
        {"https://portal.example/demarches", BAL_OTHER},
    };
    struct bal_templates *const templates = templates_of(pages, sizeof pages / sizeof pages[0]);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_string_equal(reduce(templates, expected[i][0]), expected[i][1]);
    }
    for (size_t i = 0; i < 9; i++) {
        assert_string_equal(reduce(templates, pages[i]), pages[i]); // a template is its own page
    }
    bal_templates_destroy(templates);
}

static void refuses_templates_it_could_not_match(void **state)
{
    (void)state;
    char longer[BAL_PAGE_MAX_BYTES + 2];
    memset(longer, 'a', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    const char *const bad[] = {"",
                               "dossier",
                               "/a/",
                               "/a//b",
                               "/a?b",
                               "/a#b",
                               "/a;b",
                               "/:",
                               "/:Id",
                               "/:1",
                               "/a:",
                               "/:a:b",
                               "/:a-:b",
                               "/a\x01",
                               "/%00",
                               "/\xff",
                               "/%ff",
                               longer,
                               "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/"
                               "26/27/28/29/30/31/32/33"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char good[] = "/good";
        char *const second = bal_slice_dup(bal_slice_of(bad[i]));
        char *pages[] = {good, second};
        const struct bal_site site = {.pages = pages, .page_count = 2};
        struct bal_templates *templates = NULL;
        struct bal_error error = {0};
        if (bal_templates_create(&site, &templates, &error) != BAL_EINVAL) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_int_equal(error.code, BAL_EINVAL);
        assert_null(templates);
        char start[32] = {0};
        strncpy(start, bad[i], sizeof start - 1);
        assert_non_null(strstr(error.text, start)); // the error names the pattern
        free(second);
    }
    char longest[BAL_PAGE_MAX_BYTES + 1];
    memcpy(longest, longer, sizeof longest);
    longest[BAL_PAGE_MAX_BYTES] = '\0';
    const char *const good[] = {longest};
    struct bal_templates *const templates = templates_of(good, 1);
    assert_string_equal(reduce(templates, longest), longest);
    bal_templates_destroy(templates);
}

static void many_templates_keep_their_order(void **state)
{
    (void)state;
    char texts[100][24];
    const char *pages[100];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(texts[i], sizeof texts[i], i % 10 == 9 ? "/:a%d/fin" : "/rubrique-%d/:page",
                       i);
        pages[i] = texts[i];
    }
    struct bal_templates *const templates = templates_of(pages, 100);
    assert_string_equal(reduce(templates, "/rubrique-98/x"), "/rubrique-98/:page");
    assert_string_equal(reduce(templates, "/rubrique-8/fin"), "/rubrique-8/:page");
    assert_string_equal(reduce(templates, "/rubrique-10/fin"), "/:a9/fin");
    bal_templates_destroy(templates);
}

static void a_path_of_words_is_masked_like_any_other(void **state)
{
    (void)state;
    struct bal_templates *const none = templates_of(NULL, 0);
    static const char letters[] = "/////------abcdefghijklmnopqrstuvwxyzabcdefabcdefabcdefA7.%_;";
    srand(7);
    for (unsigned i = 0; i < 200000; i++) {
        // A query has it read segment by segment, whatever it is made of.
        char path[128] = "/";
        const size_t kinds = i % 2 ? sizeof letters - 8 : sizeof letters - 1;
        const size_t length = 1 + (size_t)rand() % (i % 16 ? 24 : 120);
        for (size_t c = 1; c < length; c++)
            path[c] = letters[(size_t)rand() % kinds];
        char expected[BAL_PAGE_MAX_BYTES + 1];
        path[length] = '?';
        (void)snprintf(expected, sizeof expected, "%s", reduce(none, path));
        path[length] = '\0';
        assert_string_equal(reduce(none, path), expected);
    }
    bal_templates_destroy(none);
}

static void shows_ordinary_segments(void **state)
{
    (void)state;
    static const char *const kept[] = {
        "/",
        "/aide",
        "/demarches/carte-identite",
        "/demarches/demande-de-logement-social-et-aides-au-logement",
        "/Actualites/Budget",
        "/etape-2",
        "/page/12",
        "/cerfa-n-123",
        "/d\xc3\xa9marches/\xc3\xa9tat-civil",
        "/covid19",
        "/h2o",
        "/:id",
        "/index.html",
        "/anticonstitutionnellement",
        "/MonEspacePersonnel",
        "/Formulaire-Carte-Grise-Etape-1",
        "/a/../b",
        "/avis_de_situation_declarative_de_l_impot",
        "/100%25",
        "/a%2Fb",
        "/a%3Fb%23c%3Bd",
        "/facade",
        "/RSA",
    };
    struct bal_templates *const none = templates_of(NULL, 0);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_string_equal(reduce(none, kept[i]), kept[i]);
    }
    assert_string_equal(reduce(none, "/d%C3%A9marches"), "/d\xc3\xa9marches");
    assert_string_equal(reduce(none, "/100%"), "/100%25");
    assert_string_equal(reduce(none, "/%61ide/?nom=x"), "/aide");
    assert_string_equal(reduce(none, "/aide;jsessionid=0123456789ABCDEF"), "/aide");
    bal_templates_destroy(none);
}

static const char *const personal[] = {
    // e-mail addresses and handles
    "jean.exemple@courriel.example",
    "jean.exemple%40courriel.example",
    "jean%2540courriel.example",
    "jean%2540ici.example",
    "@jexemple",
    // numbers
    "1234",
    "20261123",
    "dossier-123456",
    "n_004512",
    "facture-98765.pdf",
    "2026",
    "budget-2026",
    // UUID, hashes
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "3F2504E04F8911D39A0C0305E82C3301",
    "deadbeef",
    "d41d8cd98f00b204e9800998ecf8427e",
    "abcdefab-abcd-abcd-abcd-abcdefabcdef",
    // tokens, base64url, JWT
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWV4ZW1wbGU",
    "dGhpcyBpcyBhIHRva2Vu",
    "aGVsbG8td29y-bGRfdG9r_ZW4x",
    "QmFzZTY0VXJsVG9rZW5XaXRob3V0",
    "x7k2p9q4",
    "sess-a8f3kq92lm",
    "REF12AB34CD",
    "abcdefghijklmnopqrstuvwxyzabcdefghij",
    "xKqZbTmWpRcYdVfLhN",
    // NIR, with and without key and separators, Corsican too
    "185057800608436",
    "1850578006084",
    "1-85-05-78-006-084-36",
    "1%2085%2005%2078%20006%20084%2036",
    "285052A00608436",
    // IBAN
    "FR7630006000011234567890189",
    "FR76%203000%206000%200112%203456%207890%20189",
    "DE89370400440532013000",
    // telephone
    "0612345678",
    "+33612345678",
    "06-12-34-56-78",
    "06.12.34.56.78",
    "06%2012%2034%2056%2078",
    // dates
    "1985-03-12",
    "12-03-85",
    "12.03.1985",
    "19850312",
    "12-mars-1985",
    // number plates, mixed references
    "AB-123-CD",
    "AB%20123%20CD",
    "A1B2C3D4E5",
    "usager42dossier",
    "2A004512B",
    "X12Y34Z56",
};

static void masks_what_looks_personal(void **state)
{
    (void)state;
    struct bal_templates *const none = templates_of(NULL, 0);
    for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "/espace/%s/suite", personal[i]);
        if (strcmp(reduce(none, path), "/espace/:id/suite") != 0) {
            fail_msg("%s is told as %s", path, reduce(none, path));
        }
        (void)snprintf(path, sizeof path, "/%s", personal[i]);
        assert_string_equal(reduce(none, path), "/:id");
    }
    bal_templates_destroy(none);
}

static char any_of(const char *letters)
{
    return letters[(size_t)rand() % strlen(letters)];
}

/** An identifier of a kind, every letter and digit of it at random. */
static void make_up(unsigned kind, char id[64])
{
    static const char *const shapes[] = {
        "HHHHHHHH-HHHH-4HHH-aHHH-HHHHHHHHHHHH", // UUID
        "1DDDDDDDDDDDD",
        "2DDDDDDDDDDDDDD",                // NIR without and with its key
        "FRDDDDDDDDDDDDDDDDDDDDDDDDD",    // IBAN
        "LLLLLL.LLLLLLLL@portal.example", // e-mail
        "eyJBBBBBBBBBBBBBB.eyJBBBBBBBBBBBBBBBB.BBBBBBBBBBBBBBBBBBBB", // JWT
        "HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHD",                           // a hash
        "06DDDDDDDD",
        "19DD-0D-1D",
        "DDDDDDD", // telephone, date, number
    };
    const char *const shape = shapes[kind % (sizeof shapes / sizeof shapes[0])];
    size_t i = 0;
    for (; shape[i]; i++) {
        id[i] = shape[i] == 'H'   ? any_of("0123456789abcdef")
                : shape[i] == 'D' ? any_of("0123456789")
                : shape[i] == 'L' ? any_of("abcdefghijklmnopqrstuvwxyz")
                : shape[i] == 'B'
                    ? any_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
                    : shape[i];
    }
    id[i] = '\0';
}

static void privacy_14_of_ten_thousand_made_up_identifiers_none_is_told(void **state)
{
    (void)state;
    static const char *const around[][2] = {{"/espace/", "/suite"},        {"/", ""},
                                            {"/aide;jsessionid=", "/fin"}, {"/compte/", "?x=1"},
                                            {"/Dossier/", "#fin"},         {"//a//", "//"}};
    struct bal_templates *const none = templates_of(NULL, 0);
    srand(14);
    for (unsigned i = 0; i < 10000; i++) {
        char id[64], path[256];
        make_up(i, id);
        (void)snprintf(path, sizeof path, "%s%s%s", around[i % 6][0], id, around[i % 6][1]);
        if (strstr(reduce(none, path), id)) {
            fail_msg("%s is told as %s", path, reduce(none, path));
        }
    }
    bal_templates_destroy(none);
}

static void unclean_or_long_paths_are_other(void **state)
{
    (void)state;
    static const char *const unclean[] = {
        "/a\x01",  "/%00",    "/a%0Ab",     "/%7F",          "/\xff",
        "/%ff",    "/%C0%AF", "/%ED%A0%80", "/%F4%90%80%80", "/\xc3",
        "/%C2%85", "/a\tb",   "/%E0%80%80", "aide",          "",
        "?x",      "#x",
    };
    struct bal_templates *const none = templates_of(NULL, 0);
    for (size_t i = 0; i < sizeof unclean / sizeof unclean[0]; i++) {
        assert_string_equal(reduce(none, unclean[i]), BAL_OTHER);
    }
    assert_string_equal(reduce_bytes(none, BAL_SLICE("/a\0b")), BAL_OTHER);
    char path[2048];
    for (size_t i = 0; i < sizeof path; i++) {
        path[i] = "/abcdefghi"[i % 10];
    }
    assert_string_equal(reduce_bytes(none, (struct bal_slice){path, 202}), BAL_OTHER);
    assert_string_equal(reduce_bytes(none, (struct bal_slice){path, 2047}), BAL_OTHER);
    assert_int_equal(strlen(reduce_bytes(none, (struct bal_slice){path, 200})), 200);
    for (size_t i = 1; i < sizeof path; i++) {
        path[i] = "mot-"[i % 4];
    }
    assert_int_equal(strlen(reduce_bytes(none, (struct bal_slice){path, 200})), 200);
    assert_string_equal(reduce_bytes(none, (struct bal_slice){path, 201}), BAL_OTHER);
    memcpy(path + 198, "%25", 3); // needs three bytes where two are left
    assert_string_equal(reduce_bytes(none, (struct bal_slice){path, 201}), BAL_OTHER);
    path[150] = '?'; // what is cut does not count
    assert_int_equal(strlen(reduce_bytes(none, (struct bal_slice){path, 2047})), 150);
    bal_templates_destroy(none);
}

/** A random path of pieces that mean something to the reader. */
static struct bal_slice random_path(char room[256])
{
    static const char *const pieces[] = {
        "/",        "/",   "/",       "%",   "%2F",    "%25",     "%3F", "%40", "%C3%A9",
        "\xc3\xa9", ":id", ":",       "a",   "etape-", "dossier", "123", "9",   "Q",
        "x7",       ";",   "?",       "#",   ".",      "-",       "_",   "%3A", "%4",
        "1",        "%zz", "(other)", "%20", "zz",     "fin",     "@"};
    size_t length = 0;
    room[length++] = '/';
    for (int n = rand() % 14; n > 0; n--) {
        const char *const piece = pieces[(size_t)rand() % (sizeof pieces / sizeof pieces[0])];
        const size_t bytes = strlen(piece);
        memcpy(room + length, piece, bytes);
        length += bytes;
    }
    if (rand() % 10 == 0) {
        room[(size_t)rand() % length] = (char)rand();
    }
    return (struct bal_slice){room, length};
}

static void reducing_twice_changes_nothing(void **state)
{
    (void)state;
    static const char *const pages[] = {
        "/",        "/a",        "/:x/fin", "/dossier/:id", "/dossier/:id/:etape",
        "/:a.a/:b", "/etape-:n", "/:n",     "/%2F/:x",      "/a%25/:y",
        "/:q_-a",
    };
    srand(3);
    for (size_t count = 0; count <= sizeof pages / sizeof pages[0];
         count += sizeof pages / sizeof pages[0]) {
        struct bal_templates *const templates = templates_of(pages, count);
        for (int i = 0; i < 300000; i++) {
            char room[256];
            const struct bal_slice path = random_path(room);
            char *const exact = bal_alloc(path.length); // no terminator: an overread is seen
            memcpy(exact, path.data, path.length);
            char once[BAL_PAGE_MAX_BYTES], twice[BAL_PAGE_MAX_BYTES];
            const size_t n1 =
                bal_templates_reduce(templates, (struct bal_slice){exact, path.length}, once);
            const size_t n2 = bal_templates_reduce(templates, (struct bal_slice){once, n1}, twice);
            if (n1 != n2 || memcmp(once, twice, n1) != 0) {
                fail_msg("%.*s -> %.*s -> %.*s", (int)path.length, exact, (int)n1, once, (int)n2,
                         twice);
            }
            free(exact);
        }
        bal_templates_destroy(templates);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_matching_template_wins),
        cmocka_unit_test(refuses_templates_it_could_not_match),
        cmocka_unit_test(many_templates_keep_their_order),
        cmocka_unit_test(shows_ordinary_segments),
        cmocka_unit_test(a_path_of_words_is_masked_like_any_other),
        cmocka_unit_test(masks_what_looks_personal),
        cmocka_unit_test(privacy_14_of_ten_thousand_made_up_identifiers_none_is_told),
        cmocka_unit_test(unclean_or_long_paths_are_other),
        cmocka_unit_test(reducing_twice_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
