// SPDX-License-Identifier: EUPL-1.2
// Whether a visitor objects. Both headers say no by the one value "1"; any other value, also an
// unclean one, is not an objection but not a consent either: balise needs none, it keeps no
// identifier.
#include <balise/privacy.h>

static bool says_one(struct bal_slice value)
{
    return bal_slice_equal(bal_slice_trim(value), BAL_SLICE("1"));
}

bool bal_consent_declined(struct bal_slice sec_gpc, struct bal_slice dnt)
{
    return says_one(sec_gpc) || says_one(dnt);
}
