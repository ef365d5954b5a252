// SPDX-License-Identifier: EUPL-1.2
// Folders of test inputs, whole in memory.
#include "corpus.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static void read_file(const char *path, struct corpus_file *file)
{
    struct bal_buf content = {0};
    if (bal_file_read(path, FILE_MAX_BYTES, &content, NULL) != BAL_OK) {
        fprintf(stderr, "corpus: %s cannot be read\n", path);
        abort();
    }
    file->length = content.length;
    file->data = bal_alloc(content.length);
    if (content.length > 0) {
        memcpy(file->data, content.data, content.length);
    }
    bal_buf_finish(&content);
}

void corpus_add(struct corpus *corpus, const char *folder)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        fprintf(stderr, "corpus: no folder %s\n", folder);
        abort();
    }
    corpus->files =
        bal_realloc(corpus->files, (corpus->count + (size_t)count) * sizeof(*corpus->files));
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_type == DT_REG && entries[i]->d_name[0] != '.') {
            struct corpus_file *const file = &corpus->files[corpus->count++];
            struct bal_buf path = {0};
            bal_buf_printf(&path, "%s/%s", folder, entries[i]->d_name);
            bal_buf_append(&path, "", 1);
            file->name = bal_slice_dup(bal_slice_of(entries[i]->d_name));
            read_file(path.data, file);
            bal_buf_finish(&path);
        }
        free(entries[i]);
    }
    free(entries);
}

void corpus_finish(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        free(corpus->files[i].name);
        free(corpus->files[i].data);
    }
    free(corpus->files);
    *corpus = (struct corpus){0};
}
