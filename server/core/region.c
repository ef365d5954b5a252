// SPDX-License-Identifier: EUPL-1.2
// Owns the region as a number. Five characters of base 37 fit 27 bits, so a view carries a region
// without a table of names, and a code that a database knows and we do not is still told as it is.
#include <balise/region.h>

#include <string.h>

enum {
    BASE = 37,
    DIGITS = 5,
    COUNTRY_DIGITS = 2,
    SUBDIVISIONS = BASE * BASE * BASE,
    NOT_A_DIGIT = BASE
};

static unsigned digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A') + 1;
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 1;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 27;
    return NOT_A_DIGIT;
}

static char character_of(unsigned digit)
{
    return (char)(digit <= 26 ? 'A' + (int)digit - 1 : '0' + (int)digit - 27);
}

bal_region bal_region_pack(struct bal_slice country, struct bal_slice subdivision)
{
    if (country.length != COUNTRY_DIGITS || subdivision.length > DIGITS - COUNTRY_DIGITS)
        return BAL_REGION_UNKNOWN;
    bal_region region = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        unsigned digit = 0;
        if (i < COUNTRY_DIGITS)
            digit = digit_of(country.data[i]);
        else if (i - COUNTRY_DIGITS < subdivision.length)
            digit = digit_of(subdivision.data[i - COUNTRY_DIGITS]);
        if (digit == NOT_A_DIGIT || (i < COUNTRY_DIGITS && digit > 26))
            return BAL_REGION_UNKNOWN;
        region = region * BASE + digit;
    }
    return region;
}

bool bal_region_text(bal_region region, char text[BAL_REGION_TEXT_BYTES])
{
    static const char unknown[] = "(unknown)";
    memcpy(text, unknown, sizeof unknown);
    if (region == BAL_REGION_UNKNOWN)
        return true;
    unsigned digit[DIGITS];
    uint32_t rest = region;
    for (size_t i = DIGITS; i > 0; i--) {
        digit[i - 1] = rest % BASE;
        rest /= BASE;
    }
    const bool country = digit[0] >= 1 && digit[0] <= 26 && digit[1] >= 1 && digit[1] <= 26;
    const bool gap = (digit[2] == 0 && digit[3] != 0) || (digit[3] == 0 && digit[4] != 0);
    if (rest != 0 || !country || gap)
        return false;
    size_t length = 0;
    for (size_t i = 0; i < DIGITS && digit[i] != 0; i++) {
        if (i == COUNTRY_DIGITS)
            text[length++] = '-';
        text[length++] = character_of(digit[i]);
    }
    text[length] = '\0';
    return true;
}

bal_region bal_region_parse(struct bal_slice text)
{
    if (text.length == COUNTRY_DIGITS)
        return bal_region_pack(text, (struct bal_slice){0});
    if (text.length <= COUNTRY_DIGITS + 1 || text.data[COUNTRY_DIGITS] != '-')
        return BAL_REGION_UNKNOWN;
    const struct bal_slice country = {.data = text.data, .length = COUNTRY_DIGITS};
    const struct bal_slice subdivision = {.data = text.data + COUNTRY_DIGITS + 1,
                                          .length = text.length - COUNTRY_DIGITS - 1};
    return bal_region_pack(country, subdivision);
}

bal_region bal_region_country(bal_region region)
{
    return region - region % SUBDIVISIONS;
}

static bool is_overseas_code(struct bal_slice code)
{
    static const char codes[][3] = {"RE", "GP", "MQ", "GF", "YT", "PM",
                                    "BL", "MF", "WF", "PF", "NC", "TF"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (bal_slice_equal(code, bal_slice_of(codes[i])))
            return true;
    }
    return false;
}

bool bal_region_is_french_overseas(bal_region region)
{
    char text[BAL_REGION_TEXT_BYTES];
    const struct bal_slice france = BAL_SLICE("FR-");
    if (!bal_region_text(region, text))
        return false;
    const struct bal_slice whole = bal_slice_of(text);
    if (!bal_slice_starts(whole, france))
        return is_overseas_code((struct bal_slice){.data = text, .length = COUNTRY_DIGITS});
    const struct bal_slice subdivision = {.data = whole.data + france.length,
                                          .length = whole.length - france.length};
    return is_overseas_code(subdivision) || bal_slice_starts(subdivision, BAL_SLICE("97"));
}
