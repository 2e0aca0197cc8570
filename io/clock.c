#include "io/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_MAGIC = 0x45766e43, SPIN_MAX = 1 << 20 };

/* The mapped page. `sequence` is odd while a writer is in it. */
struct page {
    uint32_t magic;
    _Atomic uint32_t sequence;
    _Atomic int64_t start_us, since_us, rate_millionths;
    _Atomic int64_t running;
};

struct clock {
    struct page *page; /* NULL: the machine's clock */
    int64_t wall_minus_boot_us;
};

static int64_t read_clock(clockid_t id)
{
    struct timespec time;
    if (clock_gettime(id, &time) != 0)
        unreachable("a clock of the kernel cannot be read");
    return (int64_t)time.tv_sec * US_PER_SECOND + time.tv_nsec / 1000;
}

struct tick clock_tick(void)
{
    return (struct tick){ read_clock(CLOCK_BOOTTIME) };
}

struct instant clock_wall(void)
{
    return (struct instant){ read_clock(CLOCK_REALTIME) };
}

static struct clock_setting page_read(struct page *page)
{
    for (int spin = 0; spin < SPIN_MAX; spin++) {
        uint32_t before = atomic_load_explicit(&page->sequence, memory_order_acquire);
        struct clock_setting setting = {
            .start = { atomic_load_explicit(&page->start_us, memory_order_relaxed) },
            .since = { atomic_load_explicit(&page->since_us, memory_order_relaxed) },
            .rate_millionths = atomic_load_explicit(&page->rate_millionths, memory_order_relaxed),
            .running = atomic_load_explicit(&page->running, memory_order_relaxed) != 0,
        };
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 && before == atomic_load_explicit(&page->sequence, memory_order_relaxed))
            return setting;
    }
    unreachable("a writer of the clock file died in it");
}

static void page_write(struct page *page, struct clock_setting setting)
{
    uint32_t sequence = atomic_load_explicit(&page->sequence, memory_order_relaxed) | 1;
    atomic_store_explicit(&page->sequence, sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&page->start_us, setting.start.us, memory_order_relaxed);
    atomic_store_explicit(&page->since_us, setting.since.us, memory_order_relaxed);
    atomic_store_explicit(&page->rate_millionths, setting.rate_millionths, memory_order_relaxed);
    atomic_store_explicit(&page->running, setting.running, memory_order_relaxed);
    atomic_store_explicit(&page->sequence, sequence + 1, memory_order_release);
}

struct instant clock_setting_now(const struct clock_setting *setting, struct instant real)
{
    if (!setting->running)
        return setting->start;
    __int128 passed = (__int128)MAX_OF(instant_since(real, setting->since), 0) * setting->rate_millionths / 1000000;
    return instant_add(setting->start, passed > INT64_MAX ? INT64_MAX : (int64_t)passed);
}

static bool setting_is_real(const struct clock_setting *setting)
{
    return setting->running && setting->rate_millionths == 1000000 && setting->start.us == setting->since.us;
}

/* Maps the file; *fault says what is wrong. */
static struct page *page_map(int descriptor, int protection, const char **fault)
{
    struct stat status;
    bool known = fstat(descriptor, &status) == 0;
    if (!known || status.st_size < (off_t)sizeof(struct page)) {
        *fault = known ? "the clock file is too short" : "the clock file cannot be looked at";
        return NULL;
    }
    struct page *page = mmap(NULL, sizeof *page, protection, MAP_SHARED, descriptor, 0);
    if (page == MAP_FAILED) {
        *fault = "the clock file cannot be mapped";
        return NULL;
    }
    if (page->magic == CLOCK_MAGIC)
        return page;
    munmap(page, sizeof *page);
    *fault = "the file is not a clock file";
    return NULL;
}

struct clock *clock_open(const char *file, const char **fault)
{
    struct page *page = NULL;
    if (file != NULL && file[0] != 0) {
        int descriptor = open(file, O_RDONLY | O_CLOEXEC);
        *fault = "the clock file cannot be opened";
        if (descriptor < 0)
            return NULL;
        page = page_map(descriptor, PROT_READ, fault);
        close(descriptor);
        if (page == NULL)
            return NULL;
    }
    struct clock *clock = memory_make(struct clock);
    clock->page = page;
    clock_correct(clock);
    return clock;
}

void clock_close(struct clock **clock)
{
    if (*clock == NULL)
        return;
    if ((*clock)->page != NULL)
        munmap((*clock)->page, sizeof(struct page));
    memory_free(clock);
}

struct instant clock_now(const struct clock *clock)
{
    if (clock->page == NULL)
        return clock_wall();
    struct clock_setting setting = page_read(clock->page);
    return setting_is_real(&setting) ? clock_wall() : clock_setting_now(&setting, clock_wall());
}

bool clock_is_real(const struct clock *clock)
{
    if (clock->page == NULL)
        return true;
    struct clock_setting setting = page_read(clock->page);
    return setting_is_real(&setting);
}

double clock_rate(const struct clock *clock)
{
    if (clock->page == NULL)
        return 1;
    struct clock_setting setting = page_read(clock->page);
    return setting.running ? (double)setting.rate_millionths / 1e6 : 0;
}

int64_t clock_wait_us(const struct clock *clock, struct instant until)
{
    int64_t left_us = instant_since(until, clock_now(clock));
    double rate = clock_rate(clock);
    if (left_us <= 0)
        return 0;
    if (clock->page == NULL)
        return left_us;
    if (rate <= 0 || (double)left_us / rate > (double)US_PER_SECOND)
        return US_PER_SECOND;
    return (int64_t)((double)left_us / rate) + 1;
}

void clock_correct(struct clock *clock)
{
    clock->wall_minus_boot_us = clock_wall().us - clock_tick().us;
}

struct instant clock_steady(const struct clock *clock)
{
    return (struct instant){ clock_tick().us + clock->wall_minus_boot_us };
}

int64_t clock_step_us(const struct clock *clock)
{
    return clock_wall().us - clock_tick().us - clock->wall_minus_boot_us;
}

const char *clock_file_create(const char *file, struct instant start, int64_t rate_millionths, bool running)
{
    int descriptor = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return errno == EEXIST ? "the clock file exists already" : "the clock file cannot be made";
    struct page page = { .magic = CLOCK_MAGIC };
    page_write(&page, (struct clock_setting){ start, clock_wall(), rate_millionths, running });
    if (instant_is_none(start)) { /* the machine's own time, from now on */
        int64_t now_us = clock_wall().us;
        page_write(&page, (struct clock_setting){ { now_us }, { now_us }, rate_millionths, running });
    }
    bool written = write(descriptor, &page, sizeof page) == (ssize_t)sizeof page;
    close(descriptor);
    return written ? NULL : "the clock file cannot be written";
}

/* Opens, locks and maps; changes by `change`, which answers what is wrong with it. */
static const char *file_change(const char *file, const char *(*change)(struct clock_setting *, int64_t), int64_t value)
{
    const char *fault = NULL;
    int descriptor = open(file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return "the clock file cannot be opened for writing";
    struct page *page = flock(descriptor, LOCK_EX) == 0 ? page_map(descriptor, PROT_READ | PROT_WRITE, &fault) : NULL;
    if (page == NULL) {
        close(descriptor);
        return fault == NULL ? "the clock file cannot be locked" : fault;
    }
    struct clock_setting setting = page_read(page);
    fault = change(&setting, value);
    if (fault == NULL)
        page_write(page, setting);
    munmap(page, sizeof *page);
    close(descriptor);
    return fault;
}

static void setting_rebase(struct clock_setting *setting)
{
    struct instant real = clock_wall();
    setting->start = clock_setting_now(setting, real);
    setting->since = real;
}

static const char *change_run(struct clock_setting *setting, int64_t unused)
{
    (void)unused;
    if (setting->running)
        return NULL;
    setting->since = clock_wall();
    setting->running = true;
    return NULL;
}

static const char *change_rate(struct clock_setting *setting, int64_t rate_millionths)
{
    if (rate_millionths < 0 || rate_millionths > 1000000LL * 1000000LL)
        return "a rate is 0 to 1000000";
    if (!(setting_is_real(setting) && rate_millionths == 1000000))
        setting_rebase(setting);
    setting->rate_millionths = rate_millionths;
    return NULL;
}

static const char *change_forward(struct clock_setting *setting, int64_t to_us)
{
    setting_rebase(setting);
    if (to_us < setting->start.us)
        return "the clock only goes forward";
    setting->start.us = to_us;
    return NULL;
}

const char *clock_file_run(const char *file)
{
    return file_change(file, change_run, 0);
}

const char *clock_file_rate(const char *file, int64_t rate_millionths)
{
    return file_change(file, change_rate, rate_millionths);
}

const char *clock_file_forward(const char *file, struct instant to)
{
    return file_change(file, change_forward, to.us);
}

const char *clock_file_read(const char *file, struct clock_setting *setting)
{
    const char *fault;
    struct clock *clock = clock_open(file, &fault);
    if (clock == NULL)
        return fault;
    *setting = page_read(clock->page);
    clock_close(&clock);
    return NULL;
}
