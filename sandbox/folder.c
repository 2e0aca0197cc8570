#include "sandbox/folder.h"

#include "base/list.h"

#include "io/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

struct folder {
    uv_work_t work;
    struct loop *loop;
    struct list waiting;   /* of errands, in order */
    struct errand *errand; /* under way; NULL: none */
    size_t max, bytes;     /* bytes: of all errands */
    int descriptor;
    bool closing;
};

/* One file to write, or to remove. */
struct errand {
    struct link link;
    uint64_t number;
    size_t length;
    bool removes;
    int fault; /* errno; 0: none */
    char raw[];
};

static void file_name(char name[32], uint64_t number, const char *tail)
{
    snprintf(name, 32, "%llu.%s", (unsigned long long)number, tail);
}

/* 0: no name of ours. */
static uint64_t file_number(const char *name)
{
    struct text text = text_of(name);
    uint64_t number;
    if (!text_ends(text, TEXT(".eml")) || !text_to_uint(text_slice(text, 0, text.length - 4), UINT64_MAX / 2, &number))
        return 0;
    return number;
}

static uint64_t folder_newest(int descriptor)
{
    uint64_t newest = 0;
    DIR *directory = fdopendir(dup(descriptor));
    if (directory == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        newest = MAX_OF(newest, file_number(entry->d_name));
    closedir(directory);
    return newest;
}

struct folder *folder_open(struct loop *loop, const char *path, size_t max, uint64_t *next)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return NULL;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    struct folder *folder = memory_make(struct folder);
    folder->loop = loop;
    folder->max = max;
    folder->descriptor = descriptor;
    list_init(&folder->waiting);
    *next = folder_newest(descriptor) + 1;
    return folder;
}

static void folder_free(struct folder *folder)
{
    assert(list_is_empty(&folder->waiting));
    close(folder->descriptor);
    memory_free(&folder);
}

void folder_close(struct folder **folder)
{
    if (*folder == NULL)
        return;
    (*folder)->closing = true;
    if ((*folder)->errand == NULL)
        folder_free(*folder);
    *folder = NULL;
}

/* ---- on the other thread: touches the errand under way and the descriptor, nothing else ---- */

static bool write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno != EINTR)
            return false;
        bytes += MAX_OF(written, (ssize_t)0);
        length -= (size_t)MAX_OF(written, (ssize_t)0);
    }
    return true;
}

static int errand_write(int folder, const struct errand *errand)
{
    char part[32], name[32];
    file_name(part, errand->number, "part");
    file_name(name, errand->number, "eml");
    int descriptor = openat(folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return errno;
    int fault = write_all(descriptor, errand->raw, errand->length) ? 0 : errno;
    close(descriptor);
    if (fault == 0 && renameat(folder, part, folder, name) < 0)
        fault = errno;
    if (fault != 0)
        unlinkat(folder, part, 0);
    return fault;
}

static int errand_remove(int folder, const struct errand *errand)
{
    char name[32];
    file_name(name, errand->number, "eml");
    return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static void folder_works(uv_work_t *work)
{
    const struct folder *folder = container_of(work, struct folder, work);
    struct errand *errand = folder->errand;
    errand->fault =
        errand->removes ? errand_remove(folder->descriptor, errand) : errand_write(folder->descriptor, errand);
}

/* ---- on the loop ---- */

static void folder_next(struct folder *folder);

static void folder_worked(uv_work_t *work, int status)
{
    struct folder *folder = container_of(work, struct folder, work);
    struct errand *errand = folder->errand;
    (void)status;
    if (errand->fault != 0)
        log_warning("inbox", "file of message %llu: %s", (unsigned long long)errand->number, strerror(errand->fault));
    folder->bytes -= errand->length;
    memory_free(&folder->errand);
    folder_next(folder);
    loop_ran("folder_worked");
}

static void folder_next(struct folder *folder)
{
    struct link *first = list_take_first(&folder->waiting);
    if (first == NULL) {
        if (folder->closing)
            folder_free(folder);
        return;
    }
    folder->errand = container_of(first, struct errand, link);
    uv_queue_work(loop_uv(folder->loop), &folder->work, folder_works, folder_worked);
}

static void folder_send(struct folder *folder, uint64_t number, struct text raw, bool removes)
{
    struct errand *errand = memory_new(size_add(sizeof(*errand), raw.length));
    errand->number = number;
    errand->length = raw.length;
    errand->removes = removes;
    memcpy(errand->raw, raw.bytes, raw.length);
    folder->bytes += raw.length;
    link_init(&errand->link);
    list_append(&folder->waiting, &errand->link);
    if (folder->errand == NULL)
        folder_next(folder);
}

void folder_drop(struct folder *folder, uint64_t number)
{
    folder_send(folder, number, TEXT(""), true);
}

void folder_keep(struct folder *folder, uint64_t number, struct text raw)
{
    if (number > folder->max)
        folder_drop(folder, number - folder->max);
    if (folder->bytes + raw.length > FOLDER_WAITING_MAX)
        log_warning("inbox", "no file of message %llu: the disk is slower than the mail", (unsigned long long)number);
    else
        folder_send(folder, number, raw, false);
}
