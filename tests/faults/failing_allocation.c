/*
 * failing_allocation — preloaded into a program: one of its allocations, or each from that one on, answers NULL.
 *
 *   LD_PRELOAD=libfailing_allocation.so EVENPOST_FAILS_AT=N [EVENPOST_FAILS_ON=1] PROGRAM...
 *
 * The first allocation after the libraries were made ready is number 1; 0 never comes. Each one that fails says on standard
 * error which file asked for it, once a file; a program that ends in order says how many it asked for.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static _Atomic uint64_t asked;
static uint64_t fails_at;
static bool ready, fails_on;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("EVENPOST_FAILS_AT");
    fails_at = at == NULL ? 0 : strtoull(at, NULL, 10);
    fails_on = getenv("EVENPOST_FAILS_ON") != NULL;
    ready = true;
}

static void say(const char *words, size_t length)
{
    if (write(STDERR_FILENO, words, length) < 0)
        errno = 0;
}

__attribute__((destructor)) static void end(void)
{
    char words[64];
    ready = false;
    say(words, (size_t)snprintf(words, sizeof(words), "asked for %llu allocations\n", (unsigned long long)asked));
}

static void say_who(const void *caller)
{
    static const char *last;
    char words[300];
    Dl_info file;
    const char *name = dladdr(caller, &file) != 0 && file.dli_fname != NULL ? file.dli_fname : "?";
    if (name == last)
        return;
    last = name;
    const char *slash = strrchr(name, '/');
    say(words, (size_t)snprintf(words, sizeof(words), "an allocation fails, asked by %.200s\n",
                                slash == NULL ? name : slash + 1));
}

static bool fails(const void *caller)
{
    if (!ready)
        return false;
    uint64_t number = ++asked;
    if (fails_at == 0 || number < fails_at || (number > fails_at && !fails_on))
        return false;
    say_who(caller);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}
