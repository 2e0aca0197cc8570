#include "io/file.h"

#include <errno.h>
#include <unistd.h>

long file_read(int descriptor, char *into, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(descriptor, into + length, size - length);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        length += (size_t)got;
    }
    return (long)length;
}
