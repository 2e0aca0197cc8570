#include "server/strand.h"

#include "base/memory.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

enum { STACK_BYTES = 512 * 1024, SPARE_MAX = 64 };

struct strand {
    ucontext_t inside, outside;
    void (*run)(void *of);
    void *of;
    bool *over;
    bool waits, ended;
    char *stack; /* behind a page that may not be touched: an overflow ends the process, it does not corrupt it */
    struct strand *next_spare;
#ifdef __SANITIZE_ADDRESS__
    void *fake_inside, *fake_outside;
    const void *stack_outside;
    size_t size_outside;
#endif
#ifdef __SANITIZE_THREAD__
    void *fiber_inside, *fiber_outside; /* ThreadSanitizer's own word for a stack; a new one for each strand */
#endif
};

static struct strand *spare;
static size_t spare_count;

/* The sanitizers want to be told of each change of stack. */
static void leave(struct strand *strand)
{
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(strand->fiber_outside, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(strand->ended ? NULL : &strand->fake_inside, strand->stack_outside,
                                   strand->size_outside);
#endif
    swapcontext(&strand->inside, &strand->outside);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(strand->fake_inside, &strand->stack_outside, &strand->size_outside);
#endif
}

static void enter(struct strand *strand)
{
#ifdef __SANITIZE_THREAD__
    strand->fiber_outside = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(strand->fiber_inside, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&strand->fake_outside, strand->stack, STACK_BYTES);
#endif
    swapcontext(&strand->outside, &strand->inside);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(strand->fake_outside, NULL, NULL);
#endif
}

/* makecontext() hands over ints: a pointer goes in two halves. */
static void first(unsigned high, unsigned low)
{
    struct strand *strand = (struct strand *)(((uintptr_t)high << 32) | (uintptr_t)low);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &strand->stack_outside, &strand->size_outside);
#endif
    strand->run(strand->of);
    strand->ended = true;
    leave(strand);
    unreachable("a strand that ended is not resumed");
}

static struct strand *strand_make(void)
{
    if (spare != NULL) {
        struct strand *strand = spare;
        spare = strand->next_spare;
        spare_count--;
        return strand;
    }
    struct strand *strand = memory_make(struct strand);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, STACK_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0)
        must_fail(__FILE__, __LINE__, "no memory for a stack");
    strand->stack = memory + page;
    return strand;
}

static void strand_unmap(struct strand *strand)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(strand->stack - page, STACK_BYTES + page);
    memory_free(&strand);
}

static void strand_put_away(struct strand *strand)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(strand->stack, STACK_BYTES);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(strand->fiber_inside);
#endif
    if (spare_count >= SPARE_MAX) {
        strand_unmap(strand);
        return;
    }
    strand->next_spare = spare;
    spare = strand;
    spare_count++;
}

/* On its own, because getcontext() returns twice as far as a compiler knows, and keeps nothing it held. */
__attribute__((noinline)) static void read_context(ucontext_t *context)
{
    getcontext(context);
}

struct strand *strand_new(void (*run)(void *of), void *of, bool *over)
{
    struct strand *strand = strand_make();
    strand->run = run;
    strand->of = of;
    strand->over = over;
    strand->ended = false;
    strand->waits = true;
#ifdef __SANITIZE_THREAD__
    strand->fiber_inside = __tsan_create_fiber(0);
#endif
    read_context(&strand->inside);
    strand->inside.uc_stack.ss_sp = strand->stack;
    strand->inside.uc_stack.ss_size = STACK_BYTES;
    strand->inside.uc_link = NULL;
    uintptr_t address = (uintptr_t)strand;
    makecontext(&strand->inside, (void (*)(void))first, 2, (unsigned)(address >> 32), (unsigned)address);
    *over = false;
    return strand;
}

void strand_wait(struct strand *strand)
{
    assert(!strand->waits);
    strand->waits = true;
    leave(strand);
}

void strand_resume(struct strand *strand)
{
    assert(strand->waits);
    strand->waits = false;
    enter(strand);
    if (!strand->ended)
        return;
    *strand->over = true;
    strand_put_away(strand);
}

void strand_free_spare(void)
{
    while (spare != NULL) {
        struct strand *strand = spare;
        spare = strand->next_spare;
        strand_unmap(strand);
    }
    spare_count = 0;
}
