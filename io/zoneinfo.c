#include "io/zoneinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

#define ZONEINFO_FOLDER "/usr/share/zoneinfo"

static bool is_of_a_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '+' || byte == '-';
}

static bool is_a_name(struct text name)
{
    char before = '/';
    if (name.length == 0 || name.length > ZONEINFO_NAME)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if (!is_of_a_name(name.bytes[i]) && (name.bytes[i] != '/' || before == '/'))
            return false;
        before = name.bytes[i];
    }
    return before != '/';
}

static enum zoneinfo_word zoneinfo_load(struct arena *arena, int file, struct text *bytes)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return ZONEINFO_UNREADABLE;
    if (S_ISDIR(facts.st_mode))
        return ZONEINFO_UNKNOWN; /* "America" */
    if (!S_ISREG(facts.st_mode) || facts.st_size > ZONEINFO_SIZE || facts.st_size < 44)
        return ZONEINFO_UNREADABLE;
    size_t size = (size_t)facts.st_size;
    char *into = arena_bytes(arena, size);
    if (file_read(file, into, size) != (long)size || memcmp(into, "TZif", 4) != 0)
        return ZONEINFO_UNREADABLE;
    *bytes = text_from(into, size);
    return ZONEINFO_GOOD;
}

enum zoneinfo_word zoneinfo_read(struct arena *arena, struct text name, struct text *bytes)
{
    const char *folder = getenv("TZDIR");
    *bytes = TEXT_NONE;
    if (!is_a_name(name))
        return ZONEINFO_UNKNOWN;
    if (folder == NULL || folder[0] == '\0')
        folder = ZONEINFO_FOLDER;
    const char *path = text_terminated(arena, text_format(arena, "%s/%.*s", folder, TEXT_ARG(name)));
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR ? ZONEINFO_UNKNOWN : ZONEINFO_UNREADABLE;
    enum zoneinfo_word word = zoneinfo_load(arena, file, bytes);
    close(file);
    return word;
}
