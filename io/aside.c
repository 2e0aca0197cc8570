#include "io/aside.h"

#include <uv.h>

struct errand {
    uv_work_t uv;
    struct aside *aside;
};

static void errand_works(uv_work_t *uv)
{
    struct errand *errand = container_of(uv, struct errand, uv);
    errand->aside->work(errand->aside);
}

static void errand_worked(uv_work_t *uv, int status)
{
    struct errand *errand = container_of(uv, struct errand, uv);
    struct aside *aside = errand->aside;
    (void)status; /* nobody cancels it */
    memory_free(&errand);
    aside->done(aside);
    loop_ran("errand_worked");
}

void aside_start(struct loop *loop, struct aside *aside)
{
    struct errand *errand = memory_make(struct errand);
    errand->aside = aside;
    if (uv_queue_work(loop_uv(loop), &errand->uv, errand_works, errand_worked) != 0)
        unreachable("libuv takes no work");
}
