// SPDX-License-Identifier: EUPL-1.2
// What an operator sees of the configuration: values, defaults, and errors that name the place.
#include <balise/config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SITE "\"sites\": [{\"name\": \"portal\", \"origins\": [\"https://portal.example\"]}]"
#define BASE "\"data_dir\": \"/var/lib/balise\", " SITE

static char path[64];
static struct bal_config *config;
static struct bal_error error;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/balise-test-config-XXXXXX");
    const int fd = mkstemp(path);
    config = NULL;
    error = (struct bal_error){0};
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    bal_config_destroy(config);
    return unlink(path);
}

static bal_status load(const char *text)
{
    bal_config_destroy(config);
    config = NULL;
    error = (struct bal_error){0};
    assert_int_equal(bal_file_replace(path, bal_slice_of(text), 0600, NULL), BAL_OK);
    return bal_config_load(path, &config, &error);
}

static void assert_loads(const char *text)
{
    if (load(text)) {
        fail_msg("%s", error.text);
    }
}

/** The text is refused, at that line, and the error has these words. */
static void assert_refused(const char *text, int line, const char *words)
{
    assert_int_not_equal(load(text), BAL_OK);
    assert_null(config);
    if (error.line != line || !strstr(error.text, words)) {
        fail_msg("line %d: \"%s\"; expected line %d: \"%s\"", error.line, error.text, line, words);
    }
}

static void only_folder_and_sites_are_required(void **state)
{
    (void)state;
    assert_loads("{" BASE "}");
    assert_string_equal(config->data_dir, "/var/lib/balise");
    assert_int_equal(config->site_count, 1);
    assert_string_equal(config->sites[0].name, "portal");
    assert_string_equal(config->sites[0].time_zone, "UTC");
    assert_int_equal(bal_zone_day(config->sites[0].zone, 86400), 1);
    assert_int_equal(config->sites[0].page_count, 0);
    assert_int_equal(config->public_side.listener.listen_count, 1);
    assert_string_equal(config->public_side.listener.listen[0].host, "127.0.0.1");
    assert_int_equal(config->public_side.listener.listen[0].port, 8080);
    assert_int_equal(config->private_side.listener.listen[0].port, 8090);
    assert_null(config->public_side.listener.tls.certificate_file);
    assert_null(config->private_side.listener.tls.key_file);
    assert_string_equal(config->public_side.prefix, "/balise");
    assert_int_equal(config->public_side.trusted_proxy_count, 2);
    assert_int_equal(config->public_side.loops, 0);
    assert_false(config->public_side.http1_only);
    assert_true(config->geoip.overseas_apart);
    assert_int_equal(config->geoip.database_count, 0);
    assert_int_equal(config->margins.page_blocks, BAL_AUTO);
    assert_int_equal(config->margins.page_device, BAL_AUTO);
    assert_int_equal(config->margins.region_device, BAL_ON);
    assert_int_equal(config->margins.page_region, BAL_OFF);
    assert_int_equal(config->privacy.k, 10);
    assert_int_equal(config->privacy.pages_a_day, 1500);
    assert_int_equal(config->retention.hourly_days, 90);
    assert_int_equal(config->retention.daily_months, 25);
    assert_true(config->store.journal);
    assert_int_equal(config->store.checkpoint_seconds, 30);
    assert_int_equal(config->query.threads, 2);
    assert_int_equal(config->query.answer_mebibytes, 64);
    assert_int_equal(config->sites[0].budget_count, 0);
    assert_null(config->webhook.url);
}

static void assert_cluster_reaches_its_place(void)
{
    assert_int_equal(config->cluster.node_count, 2);
    assert_string_equal(config->cluster.nodes[1], "http://127.0.0.1:8123");
    assert_string_equal(config->cluster.name, "portals");
    assert_string_equal(config->cluster.database, "rum");
    assert_string_equal(config->cluster.user, "balise");
    assert_string_equal(config->cluster.password_file, "/etc/balise/clickhouse.password");
    assert_string_equal(config->cluster.node, "paris-1");
    assert_int_equal(config->cluster.batch_rows, 20000);
    assert_int_equal(config->cluster.interval_seconds, 10);
    assert_true(bal_config_ships(config) && bal_config_asks_cluster(config));
}

static void every_key_reaches_its_place(void **state)
{
    (void)state;
    assert_int_equal(bal_config_load(BALISE_SOURCE_DIR
                                     "/schema/examples/config-valid-everything.json",
                                     &config, &error),
                     BAL_OK);
    assert_int_equal(config->site_count, 2);
    assert_int_equal(config->sites[0].origin_count, 3);
    assert_string_equal(config->sites[0].origins[2], "http://[2001:db8::1]:8080");
    assert_string_equal(bal_zone_name(config->sites[1].zone), "Indian/Reunion");
    assert_string_equal(config->sites[0].pages[2], "/dossier/:id");
    assert_string_equal(config->public_side.listener.listen[1].host, "2001:db8::10");
    assert_int_equal(config->public_side.listener.listen[1].port, 443);
    assert_int_equal(config->public_side.listener.listen[2].port, 0);
    assert_string_equal(config->public_side.listener.tls.certificate_file,
                        "/etc/balise/public.pem");
    assert_string_equal(config->public_side.listener.tls.key_file, "/etc/balise/public.key");
    assert_int_equal(config->public_side.loops, 2);
    assert_int_equal(config->public_side.connections, 50000);
    assert_int_equal(config->public_side.queue_views, 8192);
    assert_true(config->public_side.http1_only);
    assert_string_equal(config->private_side.listener.tls.certificate_file,
                        "/etc/balise/private.pem");
    assert_string_equal(config->private_side.listener.tls.key_file, "/etc/balise/private.key");
    assert_string_equal(config->geoip.databases[1], "/var/lib/geoip/second.mmdb");
    assert_false(config->geoip.overseas_apart);
    assert_int_equal(config->margins.page_blocks, BAL_OFF);
    assert_int_equal(config->margins.region_device, BAL_OFF);
    assert_int_equal(config->privacy.k, 20);
    assert_int_equal(config->privacy.network_visitors, 4);
    assert_int_equal(config->privacy.pages_a_day, 1000);
    assert_int_equal(config->privacy.visitors_kibibytes, 4096);
    assert_int_equal(config->retention.hourly_days, 30);
    assert_int_equal(config->retention.daily_months, 12);
    assert_false(config->store.journal);
    assert_int_equal(config->store.journal_kibibytes, 32768);
    assert_int_equal(config->store.checkpoint_seconds, 60);
    assert_int_equal(config->query.threads, 4);
    assert_int_equal(config->query.seconds, 5);
    assert_int_equal(config->query.answer_mebibytes, 32);
    assert_int_equal(config->sites[0].budget_count, 2);
    assert_int_equal(config->sites[1].budget_count, 0);
    assert_int_equal(config->sites[0].budgets[0].metric, BAL_LCP);
    assert_null(config->sites[0].budgets[0].page);
    assert_true(config->sites[0].budgets[0].p75 == 2500);
    assert_true(config->sites[0].budgets[0].poor == 0.1);
    assert_int_equal(config->sites[0].budgets[1].metric, BAL_CLS);
    assert_string_equal(config->sites[0].budgets[1].page, "/dossier/:id");
    assert_true(config->sites[0].budgets[1].p75 == 0.1);
    assert_true(config->sites[0].budgets[1].poor == 1);
    assert_string_equal(config->webhook.url, "https://alerts.example:8443/balise?to=team");
    assert_string_equal(config->webhook.secret_file, "/etc/balise/webhook.secret");
    assert_string_equal(config->webhook.ca_file, "/etc/balise/ca.pem");
    assert_int_equal(config->webhook.seconds, 5);
    assert_cluster_reaches_its_place();
    assert_int_equal(bal_config_site(config, BAL_SLICE("reunion")), 1);
    assert_int_equal(bal_config_site(config, BAL_SLICE("reunio")), -1);
}

static void networks_of_both_families_are_of_one_form(void **state)
{
    (void)state;
    assert_loads("{" BASE ", \"public\": {\"trusted_proxies\": [\"198.51.100.0/24\", "
                 "\"2001:db8::/32\", \"203.0.113.7\","
                 " \"::/0\"]}}");
    const struct bal_network *const all = config->public_side.trusted_proxies;
    const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 198, [13] = 51, [14] = 100};
    const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8};
    const uint8_t host[16] = {[10] = 0xff, [11] = 0xff, [12] = 203, [13] = 0, [14] = 113, [15] = 7};
    assert_memory_equal(all[0].address, v4, sizeof v4);
    assert_int_equal(all[0].bits, 120);
    assert_memory_equal(all[1].address, v6, sizeof v6);
    assert_int_equal(all[1].bits, 32);
    assert_memory_equal(all[2].address, host, sizeof host);
    assert_int_equal(all[2].bits, 128);
    assert_int_equal(all[3].bits, 0);
}

static void errors_name_line_key_and_range(void **state)
{
    (void)state;
    assert_refused("{\n" BASE ",\n\"query\": {\"threads\": 2,\n  \"seconds\": 61}}", 4,
                   "query.seconds must be a whole number from 1 to 60");
    assert_refused("{\n" BASE ",\n\"query\": {\"threads\": 2.0}}", 3,
                   "query.threads must be a whole number");
    assert_refused("{\"data_dir\": \"/x\", \"sites\": [\n{\"name\": \"a\",\n\"origins\": "
                   "[\"https://a.example\",\n\"ftp://b.example\"]}]}",
                   4, "sites[0].origins[1] must be an origin");
    assert_refused("{\"data_dir\": \"/x\", \"sites\": [\n{\"name\": \"a\"}]}", 2,
                   "sites[0].origins is missing");
    assert_refused("{\n\n" SITE "}", 1, "data_dir is missing");
    assert_refused("{\n" BASE
                   ",\n\"public\": {\"listen\": [\"127.0.0.1:1\",\n\"127.0.0.1:70000\"]}}",
                   4, "public.listen[1] must be \"host:port\"");
    assert_refused("{\n" BASE ",\n\"geoip\": {\"databases\": \"a.mmdb\"}}", 3,
                   "geoip.databases must be a list");
}

static void unknown_and_doubled_keys_are_errors(void **state)
{
    (void)state;
    assert_refused("{\n" BASE ",\n\"privacy\": {\n\"K\": 10}}", 4,
                   "privacy.K is not known; known here: k, network_visitors, pages_a_day, "
                   "visitors_kibibytes");
    assert_refused("{\n" BASE ",\n\"privacy.k\": 10}", 3, "privacy.k is not known");
    assert_refused(
        "{\"data_dir\": \"/x\", \"sites\": [{\n\"name\": \"a\", \"hosts\": []}]}", 2,
        "sites[0].hosts is not known; known here: name, origins, time_zone, pages, budgets");
    assert_refused("{\n" BASE ",\n\"sites[]\": []}", 3, "sites[] is not known");
    assert_refused("{\n" BASE ",\n\"privacy\": {\"k\": 10,\n\"k\": 100}}", 4,
                   "duplicate object key");
    assert_refused("{\n" BASE ",\n\"privacy\": {}, \"privacy\": {}}", 3, "duplicate object key");
}

#define BUDGET(text)                                                                               \
    "{\"data_dir\": \"/x\", \"sites\": [{\"name\": \"a\", \"origins\": [\"https://a.example\"], "  \
    "\"pages\": [\"/\"], \"budgets\": [\n" text "]}]}"

static void a_budget_that_could_never_be_told_is_refused(void **state)
{
    (void)state;
    assert_loads(BUDGET("{\"metric\": \"lcp\", \"page\": \"/\", \"p75\": 2500}"));
    assert_refused(BUDGET("{\"metric\": \"lcp\", \"page\": \"/x\", \"p75\": 2500}"), 2,
                   "sites[0].budgets[0].page must be one of sites[0].pages");
    assert_refused(BUDGET("{\"metric\": \"speed\", \"p75\": 2500}"), 2,
                   "sites[0].budgets[0].metric must be one of ttfb, fcp, lcp");
    assert_refused(BUDGET("{\"metric\": \"weight\", \"p75\": 1, \"poor\": 0.5}"), 2,
                   "sites[0].budgets[0].poor must be left out");
    assert_refused(BUDGET("{\"metric\": \"lcp\"}"), 2, "sites[0].budgets[0].p75 is missing");
    assert_refused(BUDGET("{\"metric\": \"lcp\", \"p75\": -1}"), 2,
                   "sites[0].budgets[0].p75 must be a number from 0 to 4000000000");
    assert_refused(BUDGET("{\"metric\": \"lcp\", \"p75\": 1, \"poor\": 10}"), 2,
                   "sites[0].budgets[0].poor must be a number from 0 to 1");
    assert_refused(BUDGET("{\"metric\": \"lcp\", \"p75\": 1, \"limit\": 10}"), 2,
                   "known here: metric, page, p75, poor");
    assert_refused(BUDGET("4"), 2, "sites[0].budgets[0] must be an object");
}

#define WEBHOOK(url) "{" BASE ", \"webhook\": {\"url\": \"" url "\", \"secret_file\": \"/s\"}}"

static void a_webhook_leaves_the_machine_by_https_alone(void **state)
{
    (void)state;
    assert_loads(WEBHOOK("https://alerts.example/x?y=1"));
    assert_loads(WEBHOOK("https://192.0.2.1:8443"));
    assert_loads(WEBHOOK("http://127.0.0.1:9000/x"));
    assert_loads(WEBHOOK("http://[::1]:9000"));
    assert_loads(WEBHOOK("http://localhost"));
    assert_refused(WEBHOOK("http://alerts.example/"), 1, "webhook.url must be an address like");
    assert_refused(WEBHOOK("http://127.0.0.1.example/"), 1, "webhook.url must be");
    assert_refused(WEBHOOK("http://localhost:1@alerts.example/"), 1, "webhook.url must be");
    assert_refused(WEBHOOK("https://name:secret@alerts.example/"), 1, "webhook.url must be");
    assert_refused(WEBHOOK("https://"), 1, "webhook.url must be");
    assert_refused(WEBHOOK("https:///x"), 1, "webhook.url must be");
    assert_refused(WEBHOOK("ftp://alerts.example"), 1, "webhook.url must be");
    assert_refused(WEBHOOK("https://alerts.example/a b"), 1, "webhook.url must be");
    assert_refused("{" BASE ", \"webhook\": {\"url\": \"https://alerts.example\"}}", 1,
                   "webhook.url needs webhook.secret_file");
}

#define CLUSTER(node) "{" BASE ", \"cluster\": {\"nodes\": [\"" node "\"], \"node\": \"n1\"}}"

static void a_cluster_is_reached_by_https_or_on_this_machine(void **state)
{
    (void)state;
    assert_loads(CLUSTER("https://clickhouse.example:8443"));
    assert_loads(CLUSTER("http://127.0.0.1:8123"));
    assert_refused(CLUSTER("http://clickhouse.example:8123"), 1, "cluster.nodes[0] must be");
    assert_refused(CLUSTER("https://clickhouse.example/?user=x"), 1, "cluster.nodes[0] must be");
    assert_refused("{" BASE ", \"cluster\": {\"nodes\": [\"https://c.example\"]}}", 1,
                   "cluster.nodes needs cluster.node");
    assert_refused("{" BASE ", \"query\": {\"source\": \"cluster\"}}", 1,
                   "query.source \"cluster\" needs cluster.nodes");
    assert_refused("{" BASE ", \"cluster\": {\"name\": \"a-b\"}}", 1, "cluster.name must be");
}

static void a_hard_ceiling_says_that_it_is_one(void **state)
{
    (void)state;
    assert_refused("{" BASE ", \"privacy\": {\"k\": 4}}", 1,
                   "from 5 to 1000: 5 is the floor, whoever signs");
    assert_refused("{" BASE ", \"retention\": {\"hourly_days\": 396}}", 1,
                   "from 1 to 395: 395 is the ceiling, whoever signs");
    assert_refused("{" BASE ", \"retention\": {\"daily_months\": 26}}", 1,
                   "from 1 to 25: 25 is the ceiling");
    assert_refused("{" BASE ", \"privacy\": {\"pages_a_day\": 1501}}", 1,
                   "from 1 to 1500: the memory");
    assert_int_equal(load("{" BASE ", \"privacy\": {\"k\": 1001}}"), BAL_ERANGE);
    assert_null(strstr(error.text, "signature"));
}

static void what_is_no_json_is_told_with_its_line(void **state)
{
    (void)state;
    assert_refused("", 1, "expected");
    assert_refused("{\n" BASE ",\n}", 3, "expected");
    assert_refused("[]", 1, "must be an object");
    assert_refused("{" BASE "} {}", 1, "end of file expected");
    assert_refused("{\"data_dir\": \"a\\u0000b\"," SITE "}", 1, "\\u0000");
    assert_refused("{" BASE ", \"query\": {\"seconds\": 99999999999999999999}}", 1,
                   "too big integer");
    assert_int_equal(bal_config_load("/nonexistent/balise.json", &config, &error), BAL_ENOTFOUND);
}

static void origins_are_as_browsers_send_them(void **state)
{
    (void)state;
    static const char *const good[] = {"http://a", "https://a.example:8443", "http://a.example:443",
                                       "https://[::1]", "https://xn--dmarches-c1a.example"};
    static const char *const bad[] = {"https://",
                                      "https://a/",
                                      "https://a.example:443",
                                      "http://a.example:80",
                                      "https://a:0",
                                      "https://a:08",
                                      "https://a:65536",
                                      "https://a:",
                                      "https://u@a",
                                      "https://A",
                                      "HTTPS://a",
                                      "https://[::1",
                                      "https://[::G]",
                                      "https://[::A]",
                                      "https://[]",
                                      "null",
                                      "*",
                                      "https://a b",
                                      "https://d\u00e9marches.example",
                                      "https://[::1]x"};
    char text[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"data_dir\": \"/x\", \"sites\": [{\"name\": \"a\", \"origins\": [\"%s\"]}]}",
            good[i]);
        assert_loads(text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"data_dir\": \"/x\", \"sites\": [{\"name\": \"a\", \"origins\": [\"%s\"]}]}",
            bad[i]);
        assert_refused(text, 1, "sites[0].origins[0] must be an origin");
    }
}

static void addresses_to_listen_on_are_parsed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           ":8080",        "8080",   "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0:80", "256.0.0.1:80", "::1:80", "[::1]",     "[]:80",      "[::g]:80",
        "*:80",       "a:-1",         "a:+1",   "a b:1"};
    char text[256];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, "{" BASE ", \"private\": {\"listen\": [\"%s\"]}}",
                       bad[i]);
        assert_refused(text, 1, "private.listen[0] must be \"host:port\"");
    }
    assert_refused("{" BASE ", \"private\": {\"listen\": [8080]}}", 1, "private.listen[0]");
    assert_refused("{" BASE ", \"private\": {\"listen\": [\"[::1]:9\", \"127.0.0.1:8080\"]}}", 1,
                   "must not be public.listen[0] too");
    assert_loads("{" BASE ", \"private\": {\"listen\": [\"127.0.0.1:0\"]}, \"public\": "
                 "{\"listen\": [\"127.0.0.1:0\"]}}");
}

static void the_prefix_is_a_clean_path(void **state)
{
    (void)state;
    static const char *const bad[] = {"/",    "balise", "/balise/", "/a//b", "/B",
                                      "/a?b", "/../a",  "/a b",     "//"};
    char text[256];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, "{" BASE ", \"public\": {\"prefix\": \"%s\"}}", bad[i]);
        assert_refused(text, 1, "public.prefix must be");
    }
}

static void pages_are_paths_of_at_most_200_bytes(void **state)
{
    (void)state;
    char text[512], page[202];
    memset(page, 'a', sizeof page);
    page[0] = '/';
    for (int length = 200; length <= 201; length++) {
        (void)snprintf(text, sizeof text,
                       "{\"data_dir\": \"/x\", \"sites\": [{\"name\": \"a\", \"origins\": "
                       "[\"http://a\"], \"pages\": [\"%.*s\"]}]}",
                       length, page);
        assert_int_equal(load(text), length > 200 ? BAL_ERANGE : BAL_OK);
    }
    assert_non_null(strstr(error.text, "sites[0].pages[0] must be of 1 to 200 bytes"));
}

static void a_printed_configuration_has_every_field(void **state)
{
    (void)state;
    assert_int_equal(bal_config_load(BALISE_SOURCE_DIR
                                     "/schema/examples/config-valid-everything.json",
                                     &config, &error),
                     BAL_OK);
    struct bal_buf out = {0};
    bal_config_print(config, &out);
    bal_buf_append(&out, "", 1);
    static const char *const lines[] = {
        "data_dir = \"/srv/balise\"\n",
        "\nsites[0].name = \"portal\"\n",
        "\nsites[1].time_zone = \"Indian/Reunion\"\n",
        "\nsites[1].pages = []\n",
        "{\"metric\": \"cls\", \"page\": \"/dossier/:id\", \"p75\": 0.1, \"poor\": 1}]\n",
        "\npublic.listen = [\"192.0.2.10:443\", \"[2001:db8::10]:443\", \"localhost:0\"]\n",
        "\npublic.trusted_proxies = [\"198.51.100.0/24\", \"2001:db8::/32\", \"203.0.113.7/32\"]\n",
        "\npublic.tls.key_file = \"/etc/balise/public.key\"\n",
        "\npublic.loops = 2\n",
        "\ngeoip.overseas = \"france\"\n",
        "\nprivacy.k = 20\n",
        "\nstore.journal = false\n",
        "\nquery.seconds = 5\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(out.data, lines[i])) {
            fail_msg("no line %s in:\n%s", lines[i], out.data);
        }
    }
    size_t fields = 0, count = 0;
    (void)bal_config_fields(&fields);
    for (const char *c = out.data; *c; c++) {
        count += *c == '\n';
    }
    // Two sites of 5 fields; "sites" itself is told by them, and the 4 of a budget by its list.
    assert_int_equal(count, fields - 1 + 5 - 4);
    bal_buf_finish(&out);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_budget_that_could_never_be_told_is_refused),
        T(a_webhook_leaves_the_machine_by_https_alone),
        T(a_cluster_is_reached_by_https_or_on_this_machine),
        T(only_folder_and_sites_are_required),
        T(every_key_reaches_its_place),
        T(networks_of_both_families_are_of_one_form),
        T(errors_name_line_key_and_range),
        T(unknown_and_doubled_keys_are_errors),
        T(a_hard_ceiling_says_that_it_is_one),
        T(what_is_no_json_is_told_with_its_line),
        T(origins_are_as_browsers_send_them),
        T(addresses_to_listen_on_are_parsed),
        T(the_prefix_is_a_clean_path),
        T(pages_are_paths_of_at_most_200_bytes),
        T(a_printed_configuration_has_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
