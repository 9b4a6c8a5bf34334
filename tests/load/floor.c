/* floor: the least that a fan-out server can do, which the hub is held against.
 *
 * One thread, one write(2) per reader and message, nothing else: no storage, no authentication, no framing but a chunk
 * and an SSE block. GET opens a stream; any other request is published to all streams. With `joined`, all messages that
 * came in one turn of the loop leave as one write per reader: then it is the most that a thread which writes can do.
 *
 *     cc -O2 -o floor floor.c && ./floor PORT [joined]
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
enum { FRAME_BYTES = REQUEST_BYTES + 2 * FRAMING_BYTES };

static int readers[MOST_READERS];
static int reader_count;

/* What leaves with the next writes, and whom to answer then: of one message, or of all of a turn when joining. */
static int joining;
static char frames[EVENTS * FRAME_BYTES];
static size_t frames_size;
static int publishers[EVENTS];
static int publisher_count;

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

static void write_frames(void) {
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    for (int i = 0; i < reader_count; i++)
        send_all(readers[i], frames, frames_size);
    for (int i = 0; i < publisher_count; i++)
        send_all(publishers[i], answer, sizeof answer - 1);
    frames_size = 0;
    publisher_count = 0;
}

static void publish(int fd, const char *body) {
    static const char shape[] = "event: channel.message\ndata: %s\n\n";
    static char block[REQUEST_BYTES + FRAMING_BYTES];
    int block_size = snprintf(block, sizeof block, shape, body);
    int size = snprintf(frames + frames_size, FRAME_BYTES, "%x\r\n%s\r\n", (unsigned)block_size, block);
    frames_size += (size_t)size;
    publishers[publisher_count++] = fd;
    if (!joining)
        write_frames();
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
    joining = count == 3 && !strcmp(words[2], "joined");
    if (count != 2 + joining) {
        fprintf(stderr, "usage: floor PORT [joined]\n");
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
        if (publisher_count)
            write_frames();
    }
}
