// SPDX-License-Identifier: EUPL-1.2
// Names of French regions as free databases spell them. They mix French, English and the regions of
// before 2016 in one file, so names are reduced to plain lower-case letters and looked up in one
// list of aliases. A name that is not listed gives no region: a wrong one would be worse.
#include "names.h"

#include <stddef.h>
#include <string.h>

enum { NAME_BYTES = 40 }; // the longest alias has 32 letters

struct alias {
    const char *name;
    const char *code;
};

static const struct alias aliases[] = {
    // today's regions, French and English (ISO 3166-2:FR)
    {"auvergnerhonealpes", "ARA"},
    {"bourgognefranchecomte", "BFC"},
    {"burgundyfranchecomte", "BFC"},
    {"bretagne", "BRE"},
    {"brittany", "BRE"},
    {"centrevaldeloire", "CVL"},
    {"centreloirevalley", "CVL"},
    {"corse", "20R"},
    {"corsica", "20R"},
    {"grandest", "GES"},
    {"hautsdefrance", "HDF"},
    {"iledefrance", "IDF"},
    {"normandie", "NOR"},
    {"normandy", "NOR"},
    {"nouvelleaquitaine", "NAQ"},
    {"newaquitaine", "NAQ"},
    {"occitanie", "OCC"},
    {"occitania", "OCC"},
    {"paysdelaloire", "PDL"},
    {"provencealpescotedazur", "PAC"},
    // those that merged or changed their name in 2016, and short forms
    {"alsace", "GES"},
    {"alsacechampagneardennelorraine", "GES"},
    {"aquitaine", "NAQ"},
    {"aquitainelimousinpoitoucharentes", "NAQ"},
    {"auvergne", "ARA"},
    {"bassenormandie", "NOR"},
    {"lowernormandy", "NOR"},
    {"bourgogne", "BFC"},
    {"burgundy", "BFC"},
    {"centre", "CVL"},
    {"champagneardenne", "GES"},
    {"franchecomte", "BFC"},
    {"hautenormandie", "NOR"},
    {"uppernormandy", "NOR"},
    {"languedocroussillon", "OCC"},
    {"languedocroussillonmidipyrenees", "OCC"},
    {"limousin", "NAQ"},
    {"lorraine", "GES"},
    {"midipyrenees", "OCC"},
    {"nordpasdecalais", "HDF"},
    {"nordpasdecalaispicardie", "HDF"},
    {"paca", "PAC"},
    {"picardie", "HDF"},
    {"picardy", "HDF"},
    {"poitoucharentes", "NAQ"},
    {"provence", "PAC"},
    {"rhonealpes", "ARA"},
};

/** The plain letter of a Latin-1 letter's second UTF-8 byte (after C3), 0 for what French does not
 * have. */
static char plain_letter(unsigned char second)
{
    switch (second | 0x20) { // both cases: U+00C0…DF and U+00E0…FF differ in this bit
    case 0xa0:
    case 0xa2:
        return 'a';
    case 0xa7:
        return 'c';
    case 0xa8:
    case 0xa9:
    case 0xaa:
    case 0xab:
        return 'e';
    case 0xae:
    case 0xaf:
        return 'i';
    case 0xb4:
        return 'o';
    case 0xb9:
    case 0xbb:
        return 'u';
    default:
        return '\0';
    }
}

/** Letters only, lower case, without accents; "" when there is something else or it is too long. */
static void simplify(struct bal_slice name, char out[NAME_BYTES])
{
    size_t length = 0;
    for (size_t i = 0; i < name.length && length + 1 < NAME_BYTES; i++) {
        const unsigned char byte = (unsigned char)name.data[i];
        if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') {
            out[length++] = (char)(byte | 0x20);
        } else if (byte == 0xc3 && i + 1 < name.length) {
            const char letter = plain_letter((unsigned char)name.data[++i]);
            if (letter) {
                out[length++] = letter;
            }
        }
    }
    out[length] = '\0';
}

struct bal_slice geo_french_region(struct bal_slice name)
{
    char plain[NAME_BYTES];
    simplify(name, plain);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (!strcmp(aliases[i].name, plain)) {
            return bal_slice_of(aliases[i].code);
        }
    }
    return (struct bal_slice){0};
}
