// SPDX-License-Identifier: EUPL-1.2
// Regions from local MaxMind DB files. The layout is not told by the metadata (flat files call
// themselves "city"), so a lookup tries the known paths in order. A file is checked when it is
// opened, by decoding records spread over its whole search tree: one that was cut or mixed up must
// be refused at the start and not answer "unknown" for years. The files are mapped: replace them by
// rename.
#include <balise/geo.h>

#include "names.h"

#include <assert.h>
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NODES_CHECKED = 2048,
    REGION_BITS = 28,
    DECODED = 1024 // records: there are as many as regions, or cities
};

/** The regions of records that were decoded, by the record's place in its file: a network costs a
 * walk down the tree, and seldom more. No address is in it. An entry is 0, or a place and its
 * region. */
struct decoded {
    _Atomic uint64_t entries[DECODED];
};

struct bal_geo {
    MMDB_s *databases;
    struct decoded *decoded; // of each database
    size_t count;            // of those that are open
    bool overseas_apart;
};

static const char *const maxmind_country[] = {"country", "iso_code", NULL};
static const char *const registered_country[] = {"registered_country", "iso_code", NULL};
static const char *const flat_country[] = {"country_code", NULL};
static const char *const maxmind_subdivision[] = {"subdivisions", "0", "iso_code", NULL};
static const char *const flat_subdivision[] = {"state1", NULL};

static struct bal_slice text_at(MMDB_entry_s *entry, const char *const *path)
{
    MMDB_entry_data_s data;
    const int failed = MMDB_aget_value(entry, &data, path);
    if (failed || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING || !data.data_size) {
        return (struct bal_slice){0};
    }
    return (struct bal_slice){.data = data.utf8_string, .length = data.data_size};
}

static struct bal_slice country_of(MMDB_entry_s *entry)
{
    static const char *const *const paths[] = {maxmind_country, registered_country, flat_country};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct bal_slice country = text_at(entry, paths[i]);
        if (bal_region_pack(country, (struct bal_slice){0}) != BAL_REGION_UNKNOWN) {
            return country;
        }
    }
    return (struct bal_slice){0};
}

static bal_region region_of(MMDB_entry_s *entry, bool overseas_apart)
{
    const struct bal_slice france = BAL_SLICE("FR");
    const struct bal_slice country = country_of(entry);
    if (!country.length) {
        return BAL_REGION_UNKNOWN;
    }
    if (!overseas_apart &&
        bal_region_is_french_overseas(bal_region_pack(country, (struct bal_slice){0}))) {
        return bal_region_pack(france, (struct bal_slice){0});
    }
    struct bal_slice subdivision = text_at(entry, maxmind_subdivision);
    if (!subdivision.length && bal_slice_equal_nocase(country, france)) {
        subdivision = geo_french_region(text_at(entry, flat_subdivision));
    }
    const bal_region region = bal_region_pack(country, subdivision);
    return region ? region : bal_region_pack(country, (struct bal_slice){0});
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool is_known_type(uint32_t type)
{
    return type >= MMDB_DATA_TYPE_UTF8_STRING && type <= MMDB_DATA_TYPE_FLOAT &&
           type != MMDB_DATA_TYPE_CONTAINER && type != MMDB_DATA_TYPE_END_MARKER;
}

/** Decodes one record's entry whole; false when its bytes do not decode. */
static bool check_entry(MMDB_entry_s *entry, bool *has_country)
{
    MMDB_entry_data_list_s *list = NULL;
    bool sound = MMDB_get_entry_data_list(entry, &list) == MMDB_SUCCESS;
    for (const MMDB_entry_data_list_s *item = list; sound && item; item = item->next) {
        sound =
            is_known_type(item->entry_data.type); // the library passes over types it does not know
    }
    MMDB_free_entry_data_list(list);
    if (!sound) {
        return false;
    }
    *has_country = *has_country || country_of(entry).length;
    return true;
}

static bool check_record(uint8_t type, MMDB_entry_s *entry, bool *has_country)
{
    switch (type) {
    case MMDB_RECORD_TYPE_SEARCH_NODE:
    case MMDB_RECORD_TYPE_EMPTY:
        return true;
    case MMDB_RECORD_TYPE_DATA:
        return check_entry(entry, has_country);
    default:
        return false;
    }
}

/** Up to NODES_CHECKED nodes, evenly spread, the first and the last among them. */
static bool check_tree(const MMDB_s *database, bool *has_country)
{
    const uint32_t last = database->metadata.node_count - 1;
    const uint32_t checked = last < NODES_CHECKED ? last : NODES_CHECKED;
    for (uint32_t i = 0; i <= checked; i++) {
        const uint32_t number = checked ? (uint32_t)((uint64_t)last * i / checked) : 0;
        MMDB_search_node_s node;
        const bool good =
            MMDB_read_node(database, number, &node) == MMDB_SUCCESS &&
            check_record(node.left_record_type, &node.left_record_entry, has_country) &&
            check_record(node.right_record_type, &node.right_record_entry, has_country);
        if (!good) {
            return false;
        }
    }
    return true;
}

static bal_status check(const MMDB_s *database, const char *path, struct bal_error *error)
{
    const MMDB_metadata_s *const metadata = &database->metadata;
    const bool plausible = (metadata->ip_version == 4 || metadata->ip_version == 6) &&
                           metadata->node_count > 0 && metadata->build_epoch <= INT64_MAX;
    bool has_country = false;
    if (!plausible || !check_tree(database, &has_country)) {
        return bal_error_set(error, BAL_ECORRUPT, "%s: truncated or damaged MaxMind database",
                             path);
    }
    if (!has_country) {
        return bal_error_set(error, BAL_EINVAL, "%s: a MaxMind database without countries", path);
    }
    return BAL_OK;
}

static bal_status open_one(const char *path, MMDB_s *out, struct bal_error *error)
{
    struct stat file;
    if (stat(path, &file)) {
        const bal_status status = errno == ENOENT ? BAL_ENOTFOUND : BAL_EIO;
        return bal_error_set(error, status, "%s: %s", path, strerrordesc_np(errno));
    }
    if (!S_ISREG(file.st_mode)) {
        return bal_error_set(error, BAL_EINVAL, "%s: not a regular file", path);
    }
    const int failed = MMDB_open(path, MMDB_MODE_MMAP, out);
    if (failed) {
        const bool unreadable = failed == MMDB_FILE_OPEN_ERROR;
        return bal_error_set(error, unreadable ? BAL_EIO : BAL_ECORRUPT,
                             "%s: no MaxMind database, or a truncated one (%s)", path,
                             MMDB_strerror(failed));
    }
    const bal_status status = check(out, path, error);
    if (status) {
        MMDB_close(out);
    }
    return status;
}

bal_status bal_geo_open(const struct bal_config *config, struct bal_geo **out,
                        struct bal_error *error)
{
    struct bal_geo *const made = bal_calloc(1, sizeof *made);
    made->databases = bal_calloc(config->geoip.database_count, sizeof *made->databases);
    made->decoded = bal_calloc(config->geoip.database_count, sizeof *made->decoded);
    made->overseas_apart = config->geoip.overseas_apart;
    for (size_t i = 0; i < config->geoip.database_count; i++) {
        const bal_status status = open_one(config->geoip.databases[i], &made->databases[i], error);
        if (status) {
            bal_geo_close(made);
            return status;
        }
        made->count++;
    }
    *out = made;
    return BAL_OK;
}

void bal_geo_close(struct bal_geo *geo)
{
    if (!geo) {
        return;
    }
    for (size_t i = 0; i < geo->count; i++) {
        MMDB_close(&geo->databases[i]);
    }
    free(geo->databases);
    free(geo->decoded);
    free(geo);
}

/* ---- lookups ----------------------------------------------------------------------------- */

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static union socket_address address_of(struct bal_prefix prefix)
{
    union socket_address address;
    memset(&address, 0, sizeof address);
    if (prefix.family == 4) {
        address.ipv4.sin_family = AF_INET;
        memcpy(&address.ipv4.sin_addr, prefix.bytes, 3);
    } else {
        address.ipv6.sin6_family = AF_INET6;
        memcpy(&address.ipv6.sin6_addr, prefix.bytes, sizeof prefix.bytes);
    }
    return address;
}

static bal_region decode_once(struct decoded *decoded, MMDB_entry_s *entry, bool overseas_apart)
{
    const uint64_t place = (uint64_t)entry->offset + 1; // 0 is an empty entry
    _Atomic uint64_t *const at = &decoded->entries[place % DECODED];
    const uint64_t known = atomic_load_explicit(at, memory_order_relaxed);
    if (known >> REGION_BITS == place) {
        return (bal_region)(known & ((UINT64_C(1) << REGION_BITS) - 1));
    }
    const bal_region region = region_of(entry, overseas_apart);
    atomic_store_explicit(at, place << REGION_BITS | region, memory_order_relaxed);
    return region;
}

bal_region bal_geo_region(const struct bal_geo *geo, struct bal_prefix prefix)
{
    if (prefix.family != 4 && prefix.family != 6) {
        return BAL_REGION_UNKNOWN;
    }
    const union socket_address address = address_of(prefix);
    for (size_t i = 0; i < geo->count; i++) {
        const MMDB_s *const database = &geo->databases[i];
        if (prefix.family == 6 && database->metadata.ip_version == 4) {
            continue;
        }
        int failed = MMDB_SUCCESS;
        MMDB_lookup_result_s found = MMDB_lookup_sockaddr(database, &address.any, &failed);
        const bool known = !failed && found.found_entry;
        const bal_region region =
            known ? decode_once(&geo->decoded[i], &found.entry, geo->overseas_apart)
                  : BAL_REGION_UNKNOWN;
        if (region != BAL_REGION_UNKNOWN) {
            return region;
        }
    }
    return BAL_REGION_UNKNOWN;
}

bool bal_geo_built_s(const struct bal_geo *geo, size_t index, int64_t *out)
{
    if (index >= geo->count) {
        return false;
    }
    *out = (int64_t)geo->databases[index].metadata.build_epoch;
    return true;
}
