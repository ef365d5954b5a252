// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DOCTOR_LOOK_H
#define BALISE_DOCTOR_LOOK_H

#include <balise/doctor.h>

enum { LOOK_TEXT_BYTES = 512, LOOK_URL_BYTES = 1024 };

/** One run of bal_doctor_look: what it was asked, whom it tells, and what it has worked out. */
struct look {
    const struct bal_doctor_words *words;
    bal_finding_fn each;
    void *context;
    char origin[LOOK_URL_BYTES]; /**< "https://portal.example" */
};

/** Tells one finding; a text that is too long is cut. */
void look_found(const struct look *look, enum bal_health health, const char *subject,
                const char *format, ...) BAL_PRINTF(4, 5);

/** Room on the disk, memory that the server may lock, swap. */
void look_at_machine(const struct look *look);

#endif
