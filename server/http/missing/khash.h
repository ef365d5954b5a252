// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_MISSING_KHASH_H
#define BALISE_HTTP_MISSING_KHASH_H

/**
 * The library's header of its HTTP/2 includes one of this name, of a hash table, which Debian does
 * not ship. What is looked at of HTTP/2 needs no table: these names are enough to read the header.
 * The one function of it that would look into a table, h2o_http2_conn_get_stream, finds nothing.
 */
typedef unsigned khiter_t;
#define KHASH_MAP_INIT_INT64(name, value) struct kh_##name;
#define khash_t(name) struct kh_##name
#define kh_get(name, table, key) 0
#define kh_end(table) 0
#define kh_val(table, at) NULL

#endif
