// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_JOURNAL_H
#define BALISE_STORE_JOURNAL_H

#include <balise/buf.h>
#include <balise/error.h>

/**
 * The crash journal: groups of bytes that are durable when append returns, can be read back after a
 * crash, and can be read by nobody once a checkpoint holds them. What a group says is its writer's
 * business (record.h). One thread at a time.
 *
 * FILES. FOLDER/journal: two halves of whole 4 KiB blocks, written in full when it is created, so
 * that an append changes no metadata. FOLDER/journal.keys: a slot for each half with the random key
 * of the generation of groups in it (keyslot.h).
 *
 * A GROUP starts at a block and takes as many as it needs. Little-endian: "BALJ", u16 version, u16
 * 0, u64 generation, u64 sequence, u32 length of the payload, u32 0, 16 bytes of salt; these 48
 * bytes are authenticated, then come the payload encrypted and a 16-byte tag (XChaCha20-Poly1305 in
 * the IETF's construction), then zeroes to the end of the block. The nonce is salt || sequence. The
 * salt is random anew at each open and after each failed write: a sequence whose write failed is
 * used again for other bytes, and the same nonce must never seal two texts under one key.
 *
 * LIFE. Appends go to the *current* half. A checkpoint calls bal_journal_turn before it reads what
 * it will write; appends then go to the other half under a new key, and the first half is
 * *pending*. Once the checkpoint is durable bal_journal_release destroys the keys of pending
 * halves. Halves found with groups at open are pending too: the writer replays them, makes a
 * checkpoint, releases.
 *
 * SEQUENCES count groups, from 1, without gaps, across halves and restarts. The writer stores the
 * last sequence that a checkpoint holds, skips groups up to it at replay, and passes it as `after`,
 * so that a lost key file cannot make sequences start again below it.
 *
 * WHAT A FAILED APPEND LEAVES. Its blocks may have reached the disk, all of them even (the write
 * may be there and the flush have failed). It must not be replayed, since its writer was told that
 * it failed:
 *  1. The end of the journal does not move, and the group's first block is overwritten with zeroes
 * at once. If that works it is gone.
 *  2. If not, the next append overwrites the same place with the same sequence. It is durable only
 * when its first block is, and that block was the failed group's only header; so at most one failed
 * group exists, at the end, and any success removes it. What a replay meets behind the last
 * group is zeroes, blocks of generations whose key is gone, or blocks from the middle of a refused
 * group: none of them opens as the next sequence under this key.
 *  3. Nor can it be resurrected by a turn: the new key's slot says with which sequence the new
 * generation begins, and replay stops the older half before it. Likewise a turn that failed: the
 * slot it may have written is destroyed before any append.
 *
 * What is left: a write failed, zeroing failed, and the process died before any later append or
 * turn succeeded. Then the group is counted although it was refused. It was sent, so acknowledged
 * <= counted <= sent still holds.
 *
 * A torn or damaged group ends its half at replay; a half that ends before the next generation
 * began is told in the log with the number of groups that are missing. SIGXFSZ must be ignored. The
 * folder's lock is the caller's.
 */
struct bal_journal;

#define BAL_JOURNAL_OVERHEAD_BYTES 64 /**< of each group, before it is rounded up to blocks */

struct bal_journal_options {
    const char *folder; /**< must exist */
    uint64_t bytes; /**< of both halves, at least 16 KiB; another size than before takes effect when
                       no group is left to replay */
    uint64_t after; /**< the last sequence that the writer's checkpoint holds, 0 for none */
    /** Called for each group in order; any other answer than BAL_OK ends the open with it. The
     * payload is wiped afterwards. May be NULL: no group is expected. */
    bal_status (*on_group)(void *context, uint64_t sequence, struct bal_slice payload);
    void *context;
};

/**
 * Opens or creates the journal and replays it. BAL_EVERSION, with the file's name, when another
 * version wrote it: nothing is changed then. BAL_ECORRUPT when the two keys contradict each other.
 * BAL_ENOSPC when there is no room to create it.
 */
BAL_MUST_USE bal_status bal_journal_open(const struct bal_journal_options *options,
                                         struct bal_journal **out, struct bal_error *error);
/** Leaves groups and keys as they are; wipes keys from memory. Accepts NULL. */
void bal_journal_close(struct bal_journal *journal);

/** Whether a folder has a journal that can be read: its keys are there. */
bool bal_journal_is_there(const char *folder);
/** For a journal that is wanted no more, once a durable checkpoint holds all of it: destroys both
 * keys and unlinks its files. Closes it in any case; after a failure it may be opened again. */
BAL_MUST_USE bal_status bal_journal_remove(struct bal_journal *journal, const char *folder,
                                           struct bal_error *error);

/**
 * Appends one group. BAL_OK: it is durable and `*sequence` is its number. BAL_EBUSY: it does not
 * fit into the half (or both halves are pending after a restart): make a checkpoint, then try
 * again. BAL_ERANGE: empty, or larger than a half. BAL_EIO, BAL_ENOSPC, BAL_EPERM: refused by the
 * system; not there, and may be tried again.
 */
BAL_MUST_USE bal_status bal_journal_append(struct bal_journal *journal, struct bal_slice payload,
                                           uint64_t *sequence);

/**
 * Further groups go to the other half. Does nothing, and succeeds, when the half is empty or an
 * earlier half is still pending (after a checkpoint that failed). On failure appends go on into the
 * same half.
 */
BAL_MUST_USE bal_status bal_journal_turn(struct bal_journal *journal);

/** Every group appended before the last turn is in a durable checkpoint: makes them unreadable. May
 * be called again after a failure. */
BAL_MUST_USE bal_status bal_journal_release(struct bal_journal *journal);

unsigned bal_journal_fill_percent(
    const struct bal_journal *journal); /**< of the current half; 100 when there is none */
uint64_t bal_journal_sequence(
    const struct bal_journal *journal); /**< of the last group, replayed or appended */
uint64_t
bal_journal_written_bytes(const struct bal_journal *journal); /**< by appends since the open */

#endif
