/*
 * The exact null distribution of Spearman's statistic for n untied pairs, 2 <= n <= 26; one run of benchmarks/spearman_tables.py.
 *
 * T = sum_i i * sigma(i), rows i and columns sigma(i) from 0 to n - 1. The counts are the coefficients of the permanent of [q^(i j)].
 * Laplace's expansion along the first h rows: sum over the column sets A, |A| = h, of P_A(q) * q^(h sum(B)) P_B(q), B the complement
 * of A, where P_S(q) = sum over the bijections from the rows 0 .. |S| - 1 to S. Halves grow row by row:
 *     P_S = sum over j in S of q^((k - 1) j) P_(S \ j),    k = |S|.
 * Four symmetries: a shift of S shifts P_S; the mirror image of S has the same P_S; P_S is a palindrome (half of it is stored);
 * mirror (and, for even n, exchange) of a pair (A, B) mirrors (shifts) its term, so that one pair in two (four) is multiplied.
 *
 * Whole numbers throughout. A coefficient of P_S is at most k!/3: among the 6 orders of three columns a < b < c on the rows 0, 1, 2
 * no value of T occurs more than twice. So coefficients fit 32 bits (13!/3 < 2^32), and a coefficient of a product of halves, at
 * most 13!/3 * 13!, fits 64 bits. Only the sum over pairs needs 128.
 *
 * Output: one decimal count per line, for T - min(T) = 0, 1, ..., floor((n^3 - n)/12); the rest is the mirror image.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned __int128 u128;

enum { BLOCK = 32, WIDEST = 4096 }; /* outputs of a product made together; more than the longest polynomial, padded */

static int n;
static u64 *place;     /* of the canonical set S, at S >> 1: where its half polynomial starts in its layer */
static u32 *layer[32]; /* layer[k]: the half polynomials of all canonical sets of k columns */

/* the least of a set and its mirror image, both shifted to start at column 0 */
static u32 canonical(u32 set) {
    u32 mirror = 0, direct = set >> __builtin_ctz(set);
    for (u32 rest = set; rest; rest &= rest - 1) mirror |= 0x80000000u >> __builtin_ctz(rest);
    mirror >>= __builtin_ctz(mirror);
    return direct < mirror ? direct : mirror;
}

/* smallest exponent of P_set, and the range of its exponents */
static void extent(u32 set, int *low, int *range) {
    int k = __builtin_popcount(set), i = 0;
    *low = *range = 0;
    for (u32 rest = set; rest; rest &= rest - 1, i++) {
        int column = __builtin_ctz(rest);
        *low += (k - 1 - i) * column;
        *range += (2 * i - (k - 1)) * column;
    }
}

/* all coefficients of P_set, lowest exponent first, from the layer below; returns the range */
static int build(u32 set, u32 *out) {
    int k = __builtin_popcount(set), low, range;
    extent(set, &low, &range);
    if (k == 1) return out[0] = 1, 0;
    memset(out, 0, (range + 1) * sizeof(u32));
    for (u32 rest = set; rest; rest &= rest - 1) {
        int column = __builtin_ctz(rest), below, width;
        u32 fewer = set & ~(1u << column);
        extent(fewer, &below, &width);
        const u32 *half = layer[k - 1] + place[canonical(fewer) >> 1];
        u32 *first = out + (k - 1) * column + below - low, *last = first + width;
        for (int s = 0; s <= width / 2; s++) first[s] += half[s];
        for (int s = 0; s < (width + 1) / 2; s++) last[-s] += half[s];
    }
    return range;
}

/* next larger number with as many bits */
static u32 next(u32 set) {
    u32 low = set & -set, up = set + low;
    return up | (((set ^ up) >> 2) / low);
}

static void fill_layer(int k) {
    u64 sets = 0, room = 0, end = 1ull << (n - 1);
    u32 *list = NULL;
    if (k > 2) free(layer[k - 2]); /* the last two layers stay: for odd n the halves differ by a row */
    for (int pass = 0; pass < 2; pass++) {
        if (pass) list = malloc(sets * sizeof(u32)), layer[k] = malloc(room * sizeof(u32));
        sets = room = 0;
        for (u64 upper = (1ull << (k - 1)) - 1; upper < end; upper = k > 1 ? next(upper) : end) {
            u32 set = upper << 1 | 1;
            int low, range;
            if (canonical(set) != set) continue;
            extent(set, &low, &range);
            if (pass) list[sets] = set, place[upper] = room;
            sets++, room += range / 2 + 1;
        }
        if (!pass) continue;
#pragma omp parallel for schedule(dynamic, 1024)
        for (u64 i = 0; i < sets; i++) {
            u32 full[WIDEST];
            int range = build(list[i], full);
            memcpy(layer[k] + place[list[i] >> 1], full, (range / 2 + 1) * sizeof(u32));
        }
        free(list);
    }
}

/* out[t] = sum_s a[s] b[t - s] for t <= (range_a + range_b) / 2; `b` has BLOCK zeros before and after */
static void multiply(const u32 *a, int range_a, const u64 *b, int range_b, u64 *out) {
    for (int t = 0; t <= (range_a + range_b) / 2; t += BLOCK) {
        int from = t > range_b ? t - range_b : 0, to = t + BLOCK - 1 < range_a ? t + BLOCK - 1 : range_a;
#ifdef __AVX2__
        __m256i sum[BLOCK / 4];
        for (int v = 0; v < BLOCK / 4; v++) sum[v] = _mm256_setzero_si256();
        for (int s = from; s <= to; s++) {
            __m256i factor = _mm256_set1_epi64x(a[s]);
            for (int v = 0; v < BLOCK / 4; v++)
                sum[v] = _mm256_add_epi64(sum[v], _mm256_mul_epu32(factor, _mm256_loadu_si256((const __m256i *)(b + t - s + 4 * v))));
        }
        for (int v = 0; v < BLOCK / 4; v++) _mm256_storeu_si256((__m256i *)(out + t + 4 * v), sum[v]);
#else
        u64 sum[BLOCK] = {0};
        for (int s = from; s <= to; s++)
            for (int v = 0; v < BLOCK; v++) sum[v] += (u64)a[s] * b[t - s + v];
        memcpy(out + t, sum, sizeof sum);
#endif
    }
}

static int column_sum(u32 set) {
    int sum = 0;
    for (; set; set &= set - 1) sum += __builtin_ctz(set);
    return sum;
}

static void print(u128 value) {
    char digits[48], *at = digits + 47;
    *at = 0;
    do *--at = '0' + (int)(value % 10); while (value /= 10);
    puts(at);
}

/* the set pairs with A in `list`: every orbit of mirror and exchange once; an orbit that is its own mirror is marked in bit 31 */
static u64 list_pairs(int h, u32 *list) {
    u64 pairs = 0, end = 1ull << n;
    u32 all = (u32)(end - 1);
    for (u64 set = (1ull << h) - 1; set < end; set = next(set)) {
        u32 a = set, mirror = 0;
        if (n == 2 * h && !(a & 1)) continue; /* its exchange has column 0 */
        for (u32 rest = a; rest; rest &= rest - 1) mirror |= 1u << (n - 1 - __builtin_ctz(rest));
        if (n == 2 * h && !(mirror & 1)) mirror = all ^ mirror;
        if (mirror < a) continue;
        if (list) list[pairs] = a | (mirror == a ? 1u << 31 : 0);
        pairs++;
    }
    return pairs;
}

static void add(u128 *total, const u64 *product, int range, int at) {
    for (int t = 0; t <= range; t++) total[at + t] += product[t <= range / 2 ? t : range - t];
}

int main(int argc, char **argv) {
    if (argc != 2 || (n = atoi(argv[1])) < 2 || n > 26) return fprintf(stderr, "usage: %s n, 2 <= n <= 26\n", argv[0]), 2;
    int h = n / 2, lowest = n * (n - 1) * (n - 2) / 6, top = n * (n * n - 1) / 6;
    place = malloc(sizeof(u64) << (n - 1));
    for (int k = 1; k < n - h; k++) fill_layer(k);
    u64 pairs = list_pairs(h, NULL);
    u32 *list = malloc(pairs * sizeof(u32));
    list_pairs(h, list);
    u128 *lopsided = calloc(top + 1, sizeof(u128)), *balanced = calloc(top + 1, sizeof(u128));
#pragma omp parallel
    {
        u32 full_a[WIDEST], full_b[WIDEST];
        u64 b[WIDEST + 2 * BLOCK], product[WIDEST];
        u128 *mine[2] = {calloc(top + 1, sizeof(u128)), calloc(top + 1, sizeof(u128))};
#pragma omp for schedule(dynamic, 256)
        for (u64 i = 0; i < pairs; i++) {
            u32 set_a = list[i] & ~(1u << 31), set_b = ((1u << n) - 1) ^ set_a;
            u128 *total = mine[list[i] >> 31];
            int range_a = build(set_a, full_a), range_b = build(set_b, full_b), low_a, low_b, unused;
            extent(set_a, &low_a, &unused), extent(set_b, &low_b, &unused);
            memset(b, 0, (range_b + 1 + 2 * BLOCK) * sizeof(u64));
            for (int s = 0; s <= range_b; s++) b[BLOCK + s] = full_b[s];
            multiply(full_a, range_a, b + BLOCK, range_b, product);
            add(total, product, range_a + range_b, low_a + low_b + h * column_sum(set_b) - lowest);
            if (n == 2 * h) add(total, product, range_a + range_b, low_a + low_b + h * column_sum(set_a) - lowest);
        }
#pragma omp critical
        for (int t = 0; t <= top; t++) lopsided[t] += mine[0][t], balanced[t] += mine[1][t];
    }
    for (int t = 0; t <= top / 2; t++) print(lopsided[t] + lopsided[top - t] + balanced[t]);
    return 0;
}
