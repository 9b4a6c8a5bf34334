/* Latencies counted in buckets, for fan.c. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

enum { BUCKETS = 2048 };

/* Latencies in microseconds: exact below 64, then 64 steps for each doubling, so within 1.6 percent. */
typedef struct {
    unsigned long long counts[BUCKETS], total;
    long long longest_ns;
} Histogram;

static void observe(Histogram *histogram, long long ns) {
    unsigned long long us = ns > 0 ? (unsigned long long)ns / 1000 : 0, bucket = us;
    if (us >= 64) {
        int power = 63 - __builtin_clzll(us);
        bucket = 64 + (unsigned long long)(power - 6) * 64 + ((us >> (power - 6)) & 63);
    }
    histogram->counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    histogram->total++;
    if (ns > histogram->longest_ns)
        histogram->longest_ns = ns;
}

static double quantile_ms(const Histogram *histogram, double share) {
    unsigned long long reached = 0;
    for (unsigned long long bucket = 0; bucket < BUCKETS; bucket++) {
        reached += histogram->counts[bucket];
        if (reached && (double)reached >= (double)histogram->total * share) {
            if (bucket < 64)
                return (double)bucket / 1000;
            unsigned long long power = (bucket - 64) / 64 + 6, step = (bucket - 64) % 64;
            return (double)((1ULL << power) + (step << (power - 6))) / 1000;
        }
    }
    return 0;
}

#endif
