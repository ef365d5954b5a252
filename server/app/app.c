// SPDX-License-Identifier: EUPL-1.2
// The command line: one table of subcommands, found by name, each with its own help.
#include "command.h"

#include <balise/app.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int version_run(int argc, char **argv);

static const struct command commands[] = {
    {"serve", "--config FILE", "run the server in the foreground",
     "Listens on the addresses of the configuration until SIGTERM or SIGINT, then answers what is "
     "parked and makes sure that\n"
     "everything acknowledged is on disk. SIGHUP reads page templates, region databases and "
     "certificates again;\n"
     "what is wrong keeps the old. Under systemd it says when it is ready and that it is alive.\n"
     "Log lines go to standard error in logfmt.\n",
     serve_run},
    {"check-config", "--config FILE [--fields]", "check a configuration and print what is in force",
     "Prints every setting with its effective value, or the line, key and allowed range of the "
     "first mistake.\n"
     "  --fields   the table of all settings with type, default, bounds and meaning instead\n",
     check_config_run},
    {"doctor", "--config FILE --url URL [--ca-file FILE]",
     "check a live deployment as a browser sees it",
     "Asks for a page of the portal, the snippet and the way of a beacon, and says in a line each "
     "what is well, what somebody\n"
     "should look at, and what is wrong and how to change it: the script line, "
     "Content-Security-Policy, compression, 304s,\n"
     "certificate, clock, origin, age of the region databases, room on the disk, locked memory, "
     "swap. No view is counted.\n"
     "  --url URL        a page of the portal: https://portal.example/\n"
     "  --ca-file FILE   whom to trust instead of the system's certificate authorities\n"
     "Status 1 when something is wrong.\n",
     doctor_run},
    {"query", "--config FILE --site SITE --metric METRICS [OPTION…]", "ask for key figures",
     "  --site SITE           a site of the configuration\n"
     "  --metric LIST         lcp,inp,cls,fcp,ttfb,… (names of the web performance "
     "specifications)\n"
     "  --by LIST             page, region, device, browser, protocol or type, and hour, day, week "
     "or month\n"
     "  --from DAY --to DAY   YYYY-MM-DD in the site's time zone, --to not included\n"
     "  --compare-from DAY --compare-to DAY   an earlier time to set beside it\n"
     "  --page, --region, --device, --browser, --protocol, --type VALUE   only this one\n"
     "  --sort COLUMN         a column of the answer to order by; --sort=-COLUMN: the greatest "
     "first\n"
     "  --limit N             as many rows at the most\n"
     "  --cursor TEXT         go on after the rows of an earlier answer, as its `next` says\n"
     "  --output figures|histogram   figures alone, or with the bins of one metric (figures)\n"
     "  --equity              each region held against the median region; with --site, --metric, "
     "--from and --to alone\n"
     "  --format table|csv|json|ndjson   how to print (table)\n"
     "  --token-file FILE     a file with an access token\n"
     "Says on stderr what the rows do not show (in JSON: `coverage`): views that no row tells, "
     "days "
     "without the table.\n"
     "Asks the running server's private listener; opens the data folder itself only when no server "
     "runs.\n",
     query_run},
    {"report", "--config FILE --site SITE [OPTION…]", "write the report of a month",
     "One HTML document with its charts, to be read, printed and kept: the month's figures against "
     "the month before and the\n"
     "budgets, equity by region, pages, annotations, coverage and method. GET /api/v1/report "
     "answers the same.\n"
     "  --site SITE           a site of the configuration\n"
     "  --month YYYY-MM       which one (the last whole one)\n"
     "  --lang fr|en          its language (public.language)\n"
     "  --out FILE            where to write it (standard output)\n"
     "  --token-file FILE     a file with an access token\n"
     "Asks the running server's private listener; opens the data folder itself only when no server "
     "runs.\n",
     report_run},
    {"token", "new|list|revoke --config FILE [OPTION…]", "make, list and revoke access tokens",
     "  new --role analyst|dpo|operator [--site SITE] [--expires DAYS]\n"
     "               prints a new token, once, alone on the last line\n"
     "  list         prints name, role, first and last day and site of each\n"
     "  revoke NAME  takes one back, by its name as token list and the audit log show it\n"
     "A running server follows at once. Each is in the audit log.\n"
     "  --site SITE      new: for this site only (all sites)\n"
     "  --expires DAYS   new: until when, 1 to 3650 (365)\n",
     token_run},
    {"retention", "--config FILE [--verify|--give-up-missing] [--format table|json]",
     "show what is kept, for how long, and the proof of what is gone",
     "Policy and reality side by side: oldest record, files, bytes and next purge of each tier, "
     "and "
     "the last proof that a purged\n"
     "period is in no byte of the data folder any more. Reads the files beside a running server; "
     "run it as the server's user.\n"
     "  --verify   for cron and monitoring: one line and status 0, or what is older than the "
     "policy "
     "or not proved, missing or in excess, and status 1\n"
     "  --give-up-missing   a told file was lost, and the DPO knows: the audit log has it, and it "
     "is "
     "missed no more\n"
     "  --format table|json   how to print (table)\n",
     retention_run},
    {"audit", "verify|list|begin --config FILE|--log FILE [OPTION…]", "check or read the audit log",
     "  verify   checks every record; names the first that is wrong and then exits with 1\n"
     "  list     prints records, the newest last\n"
     "  begin    after one that was lost or moved aside, or on a restored backup, once the DPO "
     "knows: makes another,\n"
     "           prints its anchor; no server starts where there is data and no log\n"
     "  --anchor N:HASH   verify: the log must hold this record, as an earlier verify or the "
     "record "
     "of processing\n"
     "                    printed it; only so does an end that was cut off show\n"
     "  --last N          list: as many at the end (50); 0: all\n"
     "  --log FILE        this log, of a backup or a copy, instead of the configuration's\n"
     "verify and list read DATA_DIR/audit.log alone, beside a running server or not; they need no "
     "token.\n",
     audit_run},
    {"dpo", "keygen|sign|show|handover [OPTION…]", "the data protection officer's signature",
     "  keygen --out FILE              makes the DPO's key; prints the public half\n"
     "  sign --key FILE --config FILE  signs the settings that are weaker than their defaults, for "
     "these sites alone;\n"
     "                                 says first what they are; prints the signature\n"
     "  show --config FILE             says which settings are weaker and whether they are signed; "
     "status 1 when not\n"
     "  handover --key FILE --to KEY   lets another public key take over; prints the signature\n"
     "Settings weaker than their defaults start only with the DPO's signature over exactly those, "
     "and never past the hard limits.\n"
     "The key is for the DPO's own machine: signing needs a copy of the configuration, nothing of "
     "the server.\n",
     dpo_run},
    {"erase", "--config FILE --site SITE --page PAGE [--from DAY] [--to DAY] [--dry-run]",
     "erase a page that names somebody",
     "Rebuilds every file that holds the page: its cells join (other), totals stay. Then looks for "
     "its text in every byte of the\n"
     "data folder and writes the result to the audit log, which does not repeat the text. The "
     "server must be stopped meanwhile.\n"
     "  --site SITE           a site of the configuration\n"
     "  --page PAGE           the page as it is told: /dossier/:id\n"
     "  --from DAY --to DAY   YYYY-MM-DD in the site's time zone, --to not included (all days)\n"
     "  --dry-run             only say what would be done\n"
     "Status 1 when the text is still found, in days that were not asked for too. The same call "
     "again does what an\n"
     "interrupted one has left.\n",
     erase_run},
    {"backup", "--config FILE DIR [--quiet]", "copy what is told, beside a running server",
     "DIR is made, or must be empty. It becomes a data folder that a server starts on: to restore, "
     "put it in the place of data_dir.\n"
     "Every file is written anew, record by record, so that nothing that was purged or erased is "
     "in "
     "it; what is past its limit is\n"
     "left out. Days that are not closed yet, the journal, keys and tokens are not in it: make new "
     "tokens after restoring. The audit\n"
     "log is in it up to now as audit-N-HASH.log; a restored server begins a new one.\n"
     "  --quiet   do not say which file is being copied\n"
     "Needs no token; run it as the server's user. Keep a backup no longer than "
     "retention.daily_months: "
     "nothing purges it.\n",
     backup_run},
    {"migrate", "--config FILE", "bring a data folder to the store of this version",
     "Says which store the data folder is. No release has changed the store yet, so there is "
     "nothing to migrate from: the status is 0\n"
     "for a store of this version or none, and 1 for any other, with what to do about it. Changes "
     "nothing; run it as the server's user.\n",
     migrate_run},
    {"cluster", "init|status|retire --config FILE", "ship to ClickHouse servers: tables, state",
     "  init         makes the tables and views that are missing; refuses those of another "
     "version\n"
     "  status       what waits to be shipped, up to when each machine has shipped, replicas that "
     "lag;\n"
     "               status 1 when something is behind or away\n"
     "  retire NODE  says that a machine ships no more: answers are complete without it\n"
     "What a running server ships, and when, is said by the section cluster of the "
     "configuration.\n",
     cluster_run},
    {"snippet", "--config FILE [--url URL]", "print the script elements for a portal's pages",
     "Prints one for the address that stays, and one for the address of this very version, with "
     "its integrity value.\n"
     "  --url URL   where browsers find the public listener, when it is not the portal's own "
     "origin: https://stats.portal.example\n",
     snippet_run},
    {"record", "--config FILE --lang fr|en [--format markdown|json|csv]",
     "write the record of processing activities (GDPR article 30)",
     "From the configuration, with its hash and the head of the audit log, which the DPO keeps "
     "elsewhere as an anchor. A running\n"
     "server tells its own to a token of the role dpo: GET /api/v1/record?lang=fr&format=json.\n"
     "The legal basis is a proposal that the controller confirms; controller.name, "
     "controller.contact and\n"
     "controller.dpo_contact fill in what no program can know.\n",
     record_run},
    {"notice", "--config FILE --lang fr|en", "write the notice for visitors, a page of HTML",
     "The page that the public listener shows at /balise/privacy, with the form to object.\n",
     notice_run},
    {"dpia-inputs", "--config FILE --lang fr|en [--format markdown|json|csv]",
     "write what an impact assessment needs (GDPR article 35)",
     "Flows, what exists where and when, risks with measures and the test that proves each, "
     "residual risks, last purges.\n",
     dpia_inputs_run},
    {"demo", "--data-dir DIR [--days N] [--seed S] [--fresh]",
     "fill a data folder with simulated visitors",
     "Plays visitors of the demo portal through the real pipeline under a simulated clock and "
     "leaves DIR/balise.json.\n"
     "  --days N   past days, 1 to 400 (14)\n"
     "  --seed S   another crowd (1)\n"
     "  --fresh    forget the demo that is there and begin again\n",
     demo_run},
    {"version", "", "print the version", "", version_run},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int version_run(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return app_usage("version takes no words");
    (void)printf("balise %s\n", BALISE_VERSION);
    return EXIT_OK;
}

static void print_help(FILE *out)
{
    (void)fprintf(out, "balise: real-user monitoring that keeps no visitor\n\nusage: balise "
                       "COMMAND [OPTION…]\n\n");
    for (size_t c = 0; c < COMMAND_COUNT; c++)
        (void)fprintf(out, "  %-13s %s\n", commands[c].name, commands[c].summary);
    (void)fprintf(out, "\n`balise COMMAND --help` says more. Exit status: 0 done, 1 failed, 2 the "
                       "words of the call are wrong.\n");
}

static void print_command_help(const struct command *command)
{
    (void)printf("usage: balise %s %s\n\n%s.\n\n%s", command->name, command->words,
                 command->summary, command->help);
}

static const struct command *find(const char *name)
{
    for (size_t c = 0; c < COMMAND_COUNT; c++) {
        if (strcmp(commands[c].name, name) == 0)
            return &commands[c];
    }
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1]) || (strcmp(argv[1], "help") == 0 && argc == 2)) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0)
        return version_run(1, argv);
    const bool ask = strcmp(argv[1], "help") == 0;
    const struct command *command = find(argv[ask ? 2 : 1]);
    if (!command)
        return app_usage("there is no command %s", argv[ask ? 2 : 1]);
    for (int a = 2; a < argc; a++) {
        if (ask || is_help(argv[a])) {
            print_command_help(command);
            return EXIT_OK;
        }
    }
    return command->run(argc - 1, argv + 1);
}

/* Half an output, on a disk that is full, is no output: whoever keeps it must hear of it. */
int bal_app_run(int argc, char **argv)
{
    const int result = run(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return result;
    (void)fputs("balise: the output could not be written whole\n", stderr);
    return result ? result : EXIT_FAILED;
}

/* ---- shared by the subcommands ---- */

int app_failed(const struct bal_error *error)
{
    (void)fprintf(stderr, "balise: %s\n",
                  error->text[0] ? error->text : bal_status_text(error->code));
    return EXIT_FAILED;
}

int app_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("balise: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputs("; see balise --help\n", stderr);
    va_end(arguments);
    return EXIT_USAGE;
}

static const struct app_option *find_option(const struct app_option *options, size_t count,
                                            const char *name, size_t length)
{
    for (size_t o = 0; o < count; o++) {
        if (strlen(options[o].name) == length && strncmp(options[o].name, name, length) == 0)
            return &options[o];
    }
    return NULL;
}

/* What there is instead: the same table that reads them. */
static int no_such_option(const char *command, const char *name, size_t length,
                          const struct app_option *options, size_t count)
{
    struct bal_buf all = {0};
    for (size_t o = 0; o < count; o++)
        bal_buf_printf(&all, " --%s", options[o].name);
    const int result = app_usage("%s has no option --%.*s, but%.*s", command, (int)length, name,
                                 (int)all.length, all.data ? all.data : " none");
    bal_buf_finish(&all);
    return result;
}

int app_options(int argc, char **argv, const struct app_option *options, size_t count,
                const char **words, size_t max_words)
{
    size_t word_count = 0;
    for (int a = 1; a < argc; a++) {
        if (strncmp(argv[a], "--", 2) != 0) {
            if (word_count == max_words)
                return app_usage("%s: what is %s?", argv[0], argv[a]);
            words[word_count++] = argv[a];
            continue;
        }
        const char *name = argv[a] + 2;
        const size_t length = strcspn(name, "=");
        const struct app_option *option = find_option(options, count, name, length);
        if (!option)
            return no_such_option(argv[0], name, length, options, count);
        if (!option->value && name[length] == '=')
            return app_usage("--%s takes no value", option->name);
        if (!option->value)
            *option->flag = true;
        else if (name[length] == '=')
            *option->value = name + length + 1;
        else if (++a < argc)
            *option->value = argv[a];
        else
            return app_usage("--%s needs a value", option->name);
    }
    return EXIT_OK;
}

int app_load(const char *path, struct bal_config **out)
{
    struct bal_error error = {0};
    if (!path)
        return app_usage("say which configuration with --config FILE");
    if (bal_config_load(path, out, &error) == BAL_OK)
        return EXIT_OK;
    if (error.line > 0)
        (void)fprintf(stderr, "balise: %s:%d: %s\n", path, error.line, error.text);
    else
        (void)fprintf(stderr, "balise: %s: %s\n", path, error.text);
    return EXIT_FAILED;
}

bal_status app_pipeline_open(const struct bal_config *config, const struct bal_clock *clock,
                             struct app_pipeline *pipeline, struct bal_error *error)
{
    struct bal_rules *rules = NULL;
    bal_status status = bal_rules_open(config, &rules, error);
    if (!status)
        status = bal_keyring_create(config->site_count,
                                    (size_t)config->privacy.visitors_kibibytes * 1024,
                                    &pipeline->keyring, error);
    if (!status)
        status = bal_ingest_create(config, pipeline->keyring, rules, &pipeline->ingest, error);
    if (status) {
        bal_rules_close(rules);
        return status;
    }
    return bal_store_open(config, clock, pipeline->keyring, &pipeline->store, error);
}

void app_pipeline_close(struct app_pipeline *pipeline)
{
    bal_store_close(pipeline->store);
    bal_ingest_destroy(pipeline->ingest);
    bal_keyring_destroy(pipeline->keyring);
    *pipeline = (struct app_pipeline){0};
}
