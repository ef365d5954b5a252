// SPDX-License-Identifier: EUPL-1.2
// `balise snippet`: the script elements a portal may put into its pages. The name of the lasting
// address and the integrity value were computed when the snippet was built, over the very bytes
// that are embedded beside them in http/.
#include "command.h"

#include <stdio.h>
#include <string.h>

// "b.HASH.js sha384-…", one line.
extern const unsigned char snippet_sri[];
extern const size_t snippet_sri_bytes;

/* What goes into an attribute and names an origin or a folder below one. */
static bool is_base(const char *url)
{
    const size_t scheme = strncmp(url, "https://", 8) == 0  ? 8
                          : strncmp(url, "http://", 7) == 0 ? 7
                                                            : 0;
    for (const char *at = url; *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("\"'<>&\\`?#", *at))
            return false;
    }
    return scheme > 0 && url[scheme] != '\0' && url[scheme] != '/';
}

static void print_tags(const char *base, const char *prefix)
{
    size_t base_length = strlen(base);
    while (base_length > 0 && base[base_length - 1] == '/')
        base_length--;
    const struct bal_slice line = {.data = (const char *)snippet_sri,
                                   .length = snippet_sri_bytes - 1};
    const char *space = memchr(line.data, ' ', line.length);
    const int name_length = (int)(space - line.data);
    const int sri_length = (int)line.length - name_length - 1;
    (void)printf("The snippet of whichever balise runs, read again after an hour:\n"
                 "<script async src=\"%.*s%s/b.js\"></script>\n\n",
                 (int)base_length, base, prefix);
    (void)printf("This snippet and no other (Subresource Integrity). Its address changes when the "
                 "snippet does: change the page with balise.\n"
                 "<script async src=\"%.*s%s/%.*s\" integrity=\"%.*s\" "
                 "crossorigin=\"anonymous\"></script>\n",
                 (int)base_length, base, prefix, name_length, line.data, sri_length, space + 1);
}

int snippet_run(int argc, char **argv)
{
    const char *path = NULL, *base = "";
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "url", .value = &base}};
    struct bal_config *config = NULL;
    int result = app_options(argc, argv, options, 2, NULL, 0);
    if (result)
        return result;
    if (*base && !is_base(base))
        return app_usage("snippet: --url is an address such as https://portal.example");
    result = app_load(path, &config);
    if (result)
        return result;
    print_tags(base, config->public_side.prefix);
    bal_config_destroy(config);
    return EXIT_OK;
}
