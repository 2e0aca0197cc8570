/*
 * sink — an SMTP receiver for benchmarks: one thread, epoll, every address on
 * one port.
 *
 * It takes whatever it is sent, keeps nothing, and judges the sender as a
 * receiver would: messages (positive replies to a final dot), connections,
 * and the most connections at any instant, in all and from one source
 * address. A connection counts from accept() until the sink has closed it;
 * -d makes that later than the 221, as it is on a busy receiver.
 *
 * It prints one JSON object when it ends: after -n messages, after -t seconds,
 * or on SIGTERM. SIGUSR1 prints the same object without ending; SIGUSR2 starts
 * the counts anew (connections that are open stay counted).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "ledger.h"

enum { LINE_MAX_BYTES = 2048, EVENTS = 256 };

struct conn {
    int fd;
    struct source *source;
    bool data, pending_close;
    int tail; /* how much of CRLF.CRLF has been seen */
    size_t line_len;
    int64_t close_at_ms;
    struct conn *next_closing;
    char line[LINE_MAX_BYTES];
};

static struct conn *closing_head, **closing_tail = &closing_head;
static long want_messages = -1;
static int close_delay_ms, epfd;

static int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void end(struct conn *c)
{
    close(c->fd);
    ledger_closed(c->source);
    free(c);
}

static bool say(struct conn *c, const char *text)
{
    size_t n = strlen(text);
    return send(c->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* The connection's end as the receiver sees it: at once, or close_delay_ms on. */
static bool finish(struct conn *c)
{
    if (!close_delay_ms) {
        end(c);
        return false;
    }
    epoll_ctl(epfd, EPOLL_CTL_DEL, c->fd, NULL);
    c->close_at_ms = mono_ms() + close_delay_ms;
    c->next_closing = NULL;
    *closing_tail = c;
    closing_tail = &c->next_closing;
    return false;
}

static bool command(struct conn *c)
{
    const char *l = c->line;
    if (!strncasecmp(l, "EHLO", 4))
        return say(
            c, "250-sink.test\r\n250-PIPELINING\r\n250-SIZE 20000000\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
    if (!strncasecmp(l, "DATA", 4)) {
        c->data = true;
        c->tail = 2;
        return say(c, "354 go on\r\n");
    }
    if (!strncasecmp(l, "QUIT", 4)) {
        (void)say(c, "221 2.0.0 bye\r\n");
        c->pending_close = true;
        return true;
    }
    if (!strncasecmp(l, "STARTTLS", 8))
        return say(c, "502 5.5.1 no\r\n");
    return say(c, "250 2.0.0 ok\r\n");
}

static bool take(struct conn *c, const char *buf, size_t n)
{
    for (size_t i = 0; i < n && !c->pending_close; i++) {
        if (c->data) {
            static const char dot[] = "\r\n.\r\n";
            if (buf[i] == dot[c->tail])
                c->tail++;
            else
                c->tail = buf[i] == '\r';
            if (c->tail < 5)
                continue;
            c->data = false;
            ledger_message();
            if (!say(c, "250 2.0.0 taken\r\n"))
                return false;
        } else if (buf[i] == '\n') {
            c->line[c->line_len] = 0;
            c->line_len = 0;
            if (!command(c))
                return false;
        } else if (c->line_len < LINE_MAX_BYTES - 1) {
            c->line[c->line_len++] = buf[i];
        }
    }
    return true;
}

static void on_readable(struct conn *c)
{
    static char buf[65536];
    ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || !take(c, buf, (size_t)n)) {
        ledger_aborted();
        finish(c);
        return;
    }
    if (c->pending_close)
        finish(c);
}

static void on_connection(int listener)
{
    for (int i = 0; i < 64; i++) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct conn *c = calloc(1, sizeof *c);
        if (!c)
            abort();
        c->fd = fd;
        c->source = ledger_opened(from.sin_addr.s_addr);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
        (void)say(c, "220 sink.test ESMTP\r\n");
    }
}

static bool on_signal(int sfd)
{
    struct signalfd_siginfo si;
    while (read(sfd, &si, sizeof si) == sizeof si) {
        if (si.ssi_signo == SIGUSR1)
            ledger_print();
        else if (si.ssi_signo == SIGUSR2)
            ledger_reset();
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    const char *addr = "127.0.10.1";
    int port = 2525, seconds = 600, opt;
    while ((opt = getopt(argc, argv, "a:p:n:t:d:")) != -1)
        switch (opt) {
        case 'a': addr = optarg; break; /* address to listen on */
        case 'p': port = atoi(optarg); break;
        case 'n': want_messages = atol(optarg); break;  /* end after that many messages */
        case 't': seconds = atoi(optarg); break;        /* end after that many seconds */
        case 'd': close_delay_ms = atoi(optarg); break; /* ms between 221 and close */
        default:
            fprintf(stderr, "usage: sink [-a addr] [-p port] [-n messages] [-t seconds] [-d close_ms]\n");
            return 2;
        }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int sfd = signalfd(-1, &set, SFD_NONBLOCK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (!inet_aton(addr, &at.sin_addr) || bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) {
        perror("sink: listen");
        return 1;
    }
    epfd = epoll_create1(0);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &listener }, got[EVENTS];
    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &ev);
    ev.data.ptr = &sfd;
    epoll_ctl(epfd, EPOLL_CTL_ADD, sfd, &ev);
    int64_t until = mono_ms() + seconds * 1000LL;
    bool run = true;
    while (run && mono_ms() < until && (want_messages < 0 || ledger_messages() < want_messages || ledger_open())) {
        int n = epoll_wait(epfd, got, EVENTS, closing_head ? 5 : 100);
        for (int i = 0; i < n; i++) {
            if (got[i].data.ptr == &listener)
                on_connection(listener);
            else if (got[i].data.ptr == &sfd)
                run = on_signal(sfd);
            else
                on_readable(got[i].data.ptr);
        }
        for (int64_t now = mono_ms(); closing_head && closing_head->close_at_ms <= now;) {
            struct conn *c = closing_head;
            if (!(closing_head = c->next_closing))
                closing_tail = &closing_head;
            end(c);
        }
    }
    ledger_print();
    return want_messages >= 0 && ledger_messages() < want_messages;
}
