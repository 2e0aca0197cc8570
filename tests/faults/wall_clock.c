/*
 * wall_clock — the machine's wall clock as one program sees it, set wrong by as many seconds as the file WALL_CLOCK says.
 *
 * Preloaded into that program alone: the machine's own clock is everybody's.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *wrong_s;

__attribute__((constructor)) static void open_file(void)
{
    int file = open(getenv("WALL_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *page = mmap(NULL, sizeof *wrong_s, PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || page == MAP_FAILED)
        _exit(99);
    wrong_s = page;
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *time)
{
    long answer = syscall(SYS_clock_gettime, id, time);
    if (answer == 0 && id == CLOCK_REALTIME)
        time->tv_sec += *wrong_s;
    return (int)answer;
}
