/* floor: the least that a fan-out server can do, which the hub is held against.
 *
 * One thread, one write(2) per reader and message, nothing else: no storage, no authentication, no framing but a chunk
 * and an SSE block. GET opens a stream; any other request is published to all streams.
 *
 *     cc -O2 -o floor floor.c && ./floor PORT
 *
 * It leans on its one client, fan.c: a request arrives in one piece and is answered before the next one is sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_READERS = 65536, REQUEST_BYTES = 65536, EVENTS = 256, FRAMING_BYTES = 128 };

static int readers[MOST_READERS];
static int reader_count;

static void send_all(int fd, const char *bytes, size_t size) {
    /* A reader that is gone is noticed by its next read; what cannot be written here is lost to it. */
    ssize_t written = send(fd, bytes, size, MSG_NOSIGNAL);
    (void)written;
}

static void open_stream(int fd) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    if (reader_count == MOST_READERS) {
        close(fd);
        return;
    }
    send_all(fd, head, sizeof head - 1);
    readers[reader_count++] = fd;
}

static void publish(int fd, const char *body) {
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    static const char shape[] = "event: channel.message\ndata: %s\n\n";
    static char block[REQUEST_BYTES + FRAMING_BYTES], frame[REQUEST_BYTES + 2 * FRAMING_BYTES];
    int block_size = snprintf(block, sizeof block, shape, body);
    int frame_size = snprintf(frame, sizeof frame, "%x\r\n%s\r\n", (unsigned)block_size, block);
    for (int i = 0; i < reader_count; i++)
        send_all(readers[i], frame, (size_t)frame_size);
    send_all(fd, answer, sizeof answer - 1);
}

static void forget(int fd) {
    for (int i = 0; i < reader_count; i++)
        if (readers[i] == fd) {
            readers[i] = readers[--reader_count];
            break;
        }
    close(fd);
}

static void take_request(int fd) {
    static char request[REQUEST_BYTES];
    ssize_t size = read(fd, request, sizeof request - 1);
    if (size <= 0) {
        forget(fd);
        return;
    }
    request[size] = 0;
    char *body = strstr(request, "\r\n\r\n");
    if (request[0] == 'G')
        open_stream(fd);
    else if (body)
        publish(fd, body + 4);
}

static int watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        perror("floor: cannot listen");
        exit(1);
    }
    return fd;
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    int listener = listen_on(atoi(words[1])), epoll = epoll_create1(0), on = 1;
    struct epoll_event events[EVENTS];
    watch(epoll, listener);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                take_request(fd);
                continue;
            }
            int fresh = accept(listener, NULL, NULL);
            if (fresh < 0)
                continue;
            setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(epoll, fresh);
        }
    }
}
