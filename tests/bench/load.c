/*
 * load — posts messages to the control API over kept connections and counts what is answered 202.
 *
 *   load ADDRESS PORT REQUESTS CONNECTIONS KEY
 *
 * One thread, epoll. Each request writes to another person (p1@load.test, p2@…). Prints one JSON object: how many were
 * answered 202, how many otherwise, and the seconds from the first request to the last answer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 65536, REQUEST_MAX = 2048, EVENTS = 64 };

struct client {
    int fd;
    size_t length;
    char answer[ANSWER_MAX];
};

static const char *host, *key;
static long begun, ended, accepted, other, wanted;

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void ask(struct client *client)
{
    char body[512], request[REQUEST_MAX];
    if (begun >= wanted)
        return;
    int octets = snprintf(body, sizeof body,
                          "{\"to\":{\"address\":\"p%ld@load.test\"},\"subject\":\"A question\",\"text\":\"Dear Sir or "
                          "Madam,\\n\\nwould Tuesday suit you?\\n\\nYours, Ann Lee\\n\"}",
                          ++begun);
    int length = snprintf(request, sizeof request,
                          "POST /v1/messages HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                          "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          host, key, octets, body);
    client->length = 0;
    if (send(client->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        fail("load: send");
}

/* The answer is whole: its head, and as many octets after it as the head says. */
static bool is_whole(const struct client *client)
{
    const char *end = memmem(client->answer, client->length, "\r\n\r\n", 4);
    const char *field = strcasestr(client->answer, "\r\nContent-Length:");
    if (end == NULL || field == NULL || field > end)
        return false;
    size_t head = (size_t)(end + 4 - client->answer);
    return client->length >= head + strtoul(field + 17, NULL, 10);
}

static void hear(struct client *client)
{
    ssize_t octets = recv(client->fd, client->answer + client->length, ANSWER_MAX - 1 - client->length, 0);
    if (octets <= 0)
        fail("load: the server closed");
    client->length += (size_t)octets;
    client->answer[client->length] = 0;
    if (!is_whole(client))
        return;
    ended++;
    if (strncmp(client->answer, "HTTP/1.1 202", 12) == 0)
        accepted++;
    else if (other++ == 0)
        fprintf(stderr, "load: %s\n", client->answer);
    ask(client);
}

static struct client *connected(const struct sockaddr_in *at, int epoll)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL || (client->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0)
        fail("load: socket");
    if (connect(client->fd, (const struct sockaddr *)at, sizeof *at) != 0)
        fail("load: connect");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        fail("load: epoll");
    return client;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: load ADDRESS PORT REQUESTS CONNECTIONS KEY\n");
        return 2;
    }
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])) };
    host = argv[1];
    wanted = atol(argv[3]);
    key = argv[5];
    inet_pton(AF_INET, host, &at.sin_addr);
    int epoll = epoll_create1(0);
    double start = now_s();
    for (int i = 0; i < atoi(argv[4]); i++)
        ask(connected(&at, epoll));
    while (ended < wanted) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, 30000);
        if (count <= 0)
            fail("load: no answer");
        for (int i = 0; i < count; i++)
            hear(events[i].data.ptr);
    }
    printf("{\"accepted\": %ld, \"other\": %ld, \"seconds\": %.3f}\n", accepted, other, now_s() - start);
    return other > 0;
}
