/* fan: opens N streaming readers, publishes over HTTP, and prints as one line of JSON what came through and how late.
 *
 *     cc -O2 -pthread -o fan fan.c
 *     fan --port 8080 --readers 111 --publishers 16 --window 16 --seconds 5 --tokens FILE
 *         --subscribe 'GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %t\r\n\r\n'
 *         --publish   'POST /api/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %t\r\nContent-Type: application/json\r\n'
 *         --body      '{"channelId":"...","content":"%m"}'
 *
 * --rate R    open loop: R messages a second in all. 0 (the default) is a closed loop: as fast as it goes
 * --window W  closed loop: at most W messages that have not reached every reader (0: no bound but the answers)
 * --publish-port P  where to publish, if not at --port: what is said at one hub and read at another
 * --hold      publish nothing; hold the readers open until stdin ends
 * %t is the token on line (number mod lines) of the file --tokens, %c the channel on such a line of the file --channels;
 * %m is the marker "@@NANOSECONDS.NUMBER@@", by which readers know when a message was sent (monotonic clock, so on one
 * machine only) and which it was. --publish has no blank line at its end: Content-Length and the body are put behind it.
 *
 * The main thread reads all streams with epoll; each publisher is a thread with one connection and one request under way.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "http.h"

enum {
    MOST_PUBLISHERS = 256,
    MOST_LINES = 20000,
    REQUEST_BYTES = 16384,
    READ_BYTES = 1 << 18,
    EVENTS = 512,
};

static const long long SECOND_NS = 1000000000LL;
static const long long DRAIN_NS = 3000000000LL; /* how long late deliveries are waited for */

/* ---- what was asked for */

static int port, publish_port, reader_count = 111, publisher_count = 1, window, hold;
static double rate, seconds = 5;
static const char *subscribe_text = "", *publish_text = "", *body_text = "";
typedef struct {
    char *line[MOST_LINES];
    int count;
} Lines;
static Lines tokens, channels;

/* ---- what was counted */

static atomic_ullong numbers, answered, refused, delivered;
static atomic_int stopping;

static Histogram delivery, post;
static pthread_mutex_t post_lock = PTHREAD_MUTEX_INITIALIZER;

static long long now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * SECOND_NS + at.tv_nsec;
}

static const char *line_of(const Lines *lines, unsigned long long number) {
    return lines->count ? lines->line[number % (unsigned long long)lines->count] : "";
}

/* ---- readers */

/* Where a reader stands within a marker, which may be cut anywhere by the end of a read. */
typedef enum { OUTSIDE, FIRST_AT, SENT_NS, NUMBER, LAST_AT } Place;

typedef struct {
    int fd;
    Place place;
    long long sent_ns;
    unsigned long long number;
    unsigned char *seen; /* one bit a message */
    unsigned long long seen_bytes;
} Reader;

static unsigned long long twice, heard_unknown;
static int closed_readers;

static void mark(Reader *reader, long long at_ns) {
    unsigned long long byte = reader->number / 8;
    unsigned char bit = (unsigned char)(1U << (reader->number % 8));
    if (reader->number >= atomic_load(&numbers)) {
        heard_unknown++;
        return;
    }
    if (byte >= reader->seen_bytes) {
        unsigned long long bytes = byte * 2 + 64;
        reader->seen = realloc(reader->seen, bytes);
        if (!reader->seen)
            fail("fan: memory");
        memset(reader->seen + reader->seen_bytes, 0, bytes - reader->seen_bytes);
        reader->seen_bytes = bytes;
    }
    if (reader->seen[byte] & bit) {
        twice++;
        return;
    }
    reader->seen[byte] |= bit;
    observe(&delivery, at_ns - reader->sent_ns);
    atomic_fetch_add(&delivered, 1);
}

static void scan(Reader *reader, const char *bytes, size_t size, long long at_ns) {
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        int digit = c >= '0' && c <= '9';
        switch (reader->place) {
        case OUTSIDE: {
            const char *found = memchr(bytes + i, '@', size - i);
            if (!found)
                return;
            i = (size_t)(found - bytes);
            reader->place = FIRST_AT;
            break;
        }
        case FIRST_AT:
            reader->place = c == '@' ? SENT_NS : OUTSIDE;
            reader->sent_ns = 0;
            reader->number = 0;
            break;
        case SENT_NS:
            if (digit)
                reader->sent_ns = reader->sent_ns * 10 + (c - '0');
            else
                reader->place = c == '.' ? NUMBER : OUTSIDE;
            break;
        case NUMBER:
            if (digit)
                reader->number = reader->number * 10 + (unsigned long long)(c - '0');
            else
                reader->place = c == '@' ? LAST_AT : OUTSIDE;
            break;
        case LAST_AT:
            reader->place = OUTSIDE;
            if (c == '@')
                mark(reader, at_ns);
            break;
        }
    }
}

static Reader *open_readers(int epoll) {
    Reader *readers = calloc((size_t)reader_count + 1, sizeof *readers);
    char request[REQUEST_BYTES];
    for (int i = 0; i < reader_count; i++) {
        readers[i].fd = dial(port);
        size_t size = expand(request, sizeof request, subscribe_text,
                             (Words){line_of(&tokens, (unsigned long long)i), "", ""});
        if (write(readers[i].fd, request, size) != (ssize_t)size)
            fail("fan: cannot subscribe");
        fcntl(readers[i].fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &readers[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, readers[i].fd, &event);
    }
    return readers;
}

/* Reads what is there, for at most `wait_ms`; returns when the last of it was read. */
static long long read_streams(int epoll, int wait_ms) {
    static char bytes[READ_BYTES];
    struct epoll_event events[EVENTS];
    long long last_ns = 0;
    int ready = epoll_wait(epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < ready; i++) {
        Reader *reader = events[i].data.ptr;
        ssize_t size = read(reader->fd, bytes, sizeof bytes);
        if (size > 0) {
            last_ns = now_ns();
            scan(reader, bytes, (size_t)size, last_ns);
        } else if (size == 0 || errno != EAGAIN) {
            closed_readers++;
            epoll_ctl(epoll, EPOLL_CTL_DEL, reader->fd, NULL);
        }
    }
    return last_ns;
}

/* Streams are open when their heads have come; nothing after that is lost to a fresh reader. */
static void settle(int epoll) {
    long long until_ns = now_ns() + SECOND_NS * 8 / 10 + reader_count * 200000LL;
    while (now_ns() < until_ns)
        read_streams(epoll, 20);
}

/* ---- publishers */

static void publish_one(int fd, const char *head, const char *token) {
    char marker[64], body[REQUEST_BYTES], request[2 * REQUEST_BYTES + 64];
    unsigned long long number = atomic_fetch_add(&numbers, 1);
    long long sent_ns = now_ns();
    snprintf(marker, sizeof marker, "@@%lld.%llu@@", sent_ns, number);
    size_t body_size = expand(body, sizeof body, body_text, (Words){token, marker, line_of(&channels, number)});
    int size = snprintf(request, sizeof request, "%sContent-Length: %zu\r\n\r\n%s", head, body_size, body);
    if (write(fd, request, (size_t)size) != size)
        fail("fan: cannot publish");
    int good = take_answer(fd);
    atomic_fetch_add(good ? &answered : &refused, 1);
    pthread_mutex_lock(&post_lock);
    observe(&post, now_ns() - sent_ns);
    pthread_mutex_unlock(&post_lock);
}

static void wait_until(long long at_ns) {
    struct timespec at = {.tv_sec = at_ns / SECOND_NS, .tv_nsec = at_ns % SECOND_NS};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void wait_for_window(void) {
    unsigned long long most = (unsigned long long)window * (unsigned long long)reader_count;
    /* Whoever is under way counts as undelivered: a publisher that waits here has no number yet. */
    while (!atomic_load(&stopping)) {
        unsigned long long expected = (atomic_load(&numbers) - atomic_load(&refused)) * (unsigned long long)reader_count;
        if (expected + (unsigned long long)reader_count <= atomic_load(&delivered) + most)
            return;
        usleep(50);
    }
}

static void *publisher(void *argument) {
    int number = (int)(long)argument, fd = dial(publish_port ? publish_port : port);
    char head[REQUEST_BYTES];
    const char *token = line_of(&tokens, (unsigned long long)number);
    expand(head, sizeof head, publish_text, (Words){token, "", ""});
    double pause_ns = rate > 0 ? (double)SECOND_NS * publisher_count / rate : 0;
    double next_ns = (double)now_ns() + pause_ns * number / publisher_count;
    while (!atomic_load(&stopping)) {
        if (rate > 0) {
            wait_until((long long)next_ns);
            next_ns += pause_ns;
        } else if (window) {
            wait_for_window();
        }
        if (!atomic_load(&stopping))
            publish_one(fd, head, token);
    }
    close(fd);
    return NULL;
}

static void run(int epoll) {
    pthread_t threads[MOST_PUBLISHERS];
    long long began_ns = now_ns(), end_ns = began_ns + (long long)(seconds * (double)SECOND_NS), last_ns = began_ns;
    for (long i = 0; i < publisher_count; i++)
        if (pthread_create(&threads[i], NULL, publisher, (void *)i))
            fail("fan: cannot start a publisher");
    for (;;) {
        long long read_ns = read_streams(epoll, 20), at_ns = now_ns();
        last_ns = read_ns ? read_ns : last_ns;
        if (at_ns < end_ns)
            continue;
        atomic_store(&stopping, 1);
        unsigned long long done = atomic_load(&answered) + atomic_load(&refused);
        unsigned long long expected = atomic_load(&answered) * (unsigned long long)reader_count;
        int complete = done == atomic_load(&numbers) && atomic_load(&delivered) >= expected;
        if (complete || at_ns > end_ns + DRAIN_NS)
            break;
    }
    for (int i = 0; i < publisher_count; i++)
        pthread_join(threads[i], NULL);
    if (!reader_count)
        last_ns = end_ns;
    double took_s = (double)(last_ns - began_ns) / (double)SECOND_NS;
    unsigned long long expected = atomic_load(&answered) * (unsigned long long)reader_count, came = atomic_load(&delivered);
    printf("{\"readers\":%d,\"answered\":%llu,\"refused\":%llu,\"delivered\":%llu,\"lost\":%llu,\"twice\":%llu,"
           "\"unknown\":%llu,\"closed\":%d,\"seconds\":%.3f,\"messages_per_s\":%.1f,\"deliveries_per_s\":%.0f,",
           reader_count, atomic_load(&answered), atomic_load(&refused), came, expected > came ? expected - came : 0,
           twice, heard_unknown, closed_readers, took_s, (double)atomic_load(&answered) / took_s, (double)came / took_s);
    printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"longest_ms\":%.3f,\"post_p50_ms\":%.3f,\"post_p99_ms\":%.3f}\n",
           quantile_ms(&delivery, 0.5), quantile_ms(&delivery, 0.99), quantile_ms(&delivery, 0.999),
           (double)delivery.longest_ns / 1e6, quantile_ms(&post, 0.5), quantile_ms(&post, 0.99));
}

static void hold_open(int epoll) {
    printf("{\"open\":%d,\"closed\":%d}\n", reader_count - closed_readers, closed_readers);
    fflush(stdout);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) != 0)
        read_streams(epoll, 100);
}

static void read_lines(const char *path, Lines *lines) {
    char line[1024];
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path);
    while (lines->count < MOST_LINES && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (*line)
            lines->line[lines->count++] = strdup(line);
    }
    fclose(file);
}

static void read_options(int count, char **words) {
    enum { PORT = 1, READERS, PUBLISHERS, RATE, WINDOW, SECONDS, SUBSCRIBE, PUBLISH, BODY, TOKENS, CHANNELS, HOLD, AT };
    static const struct option known[] = {
        {"port", required_argument, 0, PORT},           {"readers", required_argument, 0, READERS},
        {"publishers", required_argument, 0, PUBLISHERS}, {"rate", required_argument, 0, RATE},
        {"window", required_argument, 0, WINDOW},       {"seconds", required_argument, 0, SECONDS},
        {"subscribe", required_argument, 0, SUBSCRIBE}, {"publish", required_argument, 0, PUBLISH},
        {"body", required_argument, 0, BODY},           {"tokens", required_argument, 0, TOKENS},
        {"channels", required_argument, 0, CHANNELS},   {"hold", no_argument, 0, HOLD},
        {"publish-port", required_argument, 0, AT},
        {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(count, words, "", known, NULL)) != -1;) {
        switch (option) {
        case PORT: port = atoi(optarg); break;
        case READERS: reader_count = atoi(optarg); break;
        case PUBLISHERS: publisher_count = atoi(optarg); break;
        case RATE: rate = atof(optarg); break;
        case WINDOW: window = atoi(optarg); break;
        case SECONDS: seconds = atof(optarg); break;
        case SUBSCRIBE: subscribe_text = optarg; break;
        case PUBLISH: publish_text = optarg; break;
        case BODY: body_text = optarg; break;
        case TOKENS: read_lines(optarg, &tokens); break;
        case CHANNELS: read_lines(optarg, &channels); break;
        case HOLD: hold = 1; break;
        case AT: publish_port = atoi(optarg); break;
        default: exit(2);
        }
    }
    if (port <= 0 || publisher_count < 0 || publisher_count > MOST_PUBLISHERS || reader_count < 0) {
        fprintf(stderr, "fan: --port is needed, and at most %d publishers\n", MOST_PUBLISHERS);
        exit(2);
    }
}

int main(int count, char **words) {
    read_options(count, words);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int epoll = epoll_create1(0);
    Reader *readers = open_readers(epoll);
    settle(epoll);
    if (hold)
        hold_open(epoll);
    else
        run(epoll);
    for (int i = 0; i < reader_count; i++)
        free(readers[i].seen);
    free(readers);
    return 0;
}
