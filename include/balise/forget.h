// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_FORGET_H
#define BALISE_FORGET_H

#include <stdbool.h>

/**
 * What a request leaves behind is wiped: on the heap by itself, whoever frees a block (the HTTP and
 * the TLS library too; memory.c replaces free and realloc), and on the stack by this. It wipes what
 * is below the caller: an address in the C library's parser, a piece of a body in the registers
 * that the loader saved there. A thread that handles requests calls it between them; `deep` if
 * they may come by TLS, whose handshake goes deeper than anything else.
 */
void bal_forget_stack(bool deep);

#endif
