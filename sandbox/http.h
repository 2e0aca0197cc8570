/*
 * http — libmicrohttpd on the loop, for this room's few small pages: bounds first, then one call a request.
 *
 * One life of a request: its head is judged (method, host, length, encoding) and refused at once where it is wrong; its
 * body is collected up to HTTP_BODY_MAX; then answer() is called, once, and what it gives is sent.
 * A Host that is no address and not "localhost" is refused: a page of a stranger must not read this through a name of its
 * own (DNS rebinding).
 */
#pragma once

#include "base/ip.h"

#include "io/loop.h"

struct http;
struct MHD_Connection;

#define HTTP_BODY_MAX    65536
#define HTTP_CONNECTIONS 512
#define HTTP_BACKLOG     128
#define HTTP_IDLE_S      30

struct request {
    struct text method, path, body;
    struct text host; /* as the client named us: "127.0.0.1:8026" */
    struct MHD_Connection *connection;
};

/* Of the query; none: it is not there. Borrowed for the request. */
struct text request_value(const struct request *request, const char *name);

struct response {
    unsigned status;
    const char *type;
    const char *header, *value; /* one more header; NULL: none */
    char *body;                 /* from malloc(); goes to the response */
    size_t length;
};

struct pages {
    struct response (*answer)(struct pages *pages, struct arena *arena, const struct request *request);
};

/* NULL: cannot listen there; errno says why. Yours, until http_free(); borrows the pages. */
struct http *http_new(struct loop *loop, struct ip ip, uint16_t port, struct pages *pages);
void http_free(struct http **http); /* ends what is open; the handles' memory returns in loop_free() */

struct response response_of(unsigned status, const char *type, struct text body); /* copies the body */
