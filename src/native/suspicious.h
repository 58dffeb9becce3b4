/* One pass over a text that tells most texts to hold no secret: the kernel `suspicious` of kernels.c.
 *
 * What every rule of shapes.py and assignments.py needs: a run of at least eight of the characters that tokens are made
 * of, with a capital or a digit in it, or a very long one; or one of two literals. What has none of them is clean.
 * 0.2 us/KB of plain words, by 64 bytes at a time; the rules themselves take 1 to 6.
 */

#include <Python.h>

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define SHUFFLES 1
#include <immintrin.h>
#endif

enum { TOKEN = 1, TELLING = 2, BLOCK = 64 };
static const char token_characters[] = "abcdefghijklmnopqrstuvwxyz_.~+/=!@#$%^*-";
static const char telling_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static unsigned char classes[256];

typedef struct {
    uint64_t token, telling;
} Bits;

typedef struct {
    uint64_t runs[5], telling; /* of 1, 2, 4, 8 and 16 characters that end in the block before */
} Before;

static Bits bits_of_bytes(const unsigned char *block)
{
    Bits bits = {0, 0};
    for (int i = 0; i < BLOCK; i++) {
        bits.token |= (uint64_t)(classes[block[i]] & TOKEN) << i;
        bits.telling |= (uint64_t)(classes[block[i]] >> 1) << i;
    }
    return bits;
}

#ifdef SHUFFLES
static int shuffles;
static unsigned char by_low[2][16];

/* A bit for each upper nibble that goes with a lower one: two look-ups, and a bit that both have. */
__attribute__((target("ssse3"))) static Bits bits_by_shuffling(const unsigned char *block)
{
    const __m128i tokens = _mm_loadu_si128((const __m128i *)by_low[0]);
    const __m128i telling = _mm_loadu_si128((const __m128i *)by_low[1]);
    const __m128i highs = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i nibble = _mm_set1_epi8(15), zero = _mm_setzero_si128();
    Bits bits = {0, 0};
    for (int part = 0; part < 4; part++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(block + 16 * part));
        __m128i low = _mm_and_si128(bytes, nibble);
        __m128i high = _mm_shuffle_epi8(highs, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
        __m128i no_token = _mm_cmpeq_epi8(_mm_and_si128(_mm_shuffle_epi8(tokens, low), high), zero);
        __m128i no_telling = _mm_cmpeq_epi8(_mm_and_si128(_mm_shuffle_epi8(telling, low), high), zero);
        bits.token |= (uint64_t)(~_mm_movemask_epi8(no_token) & 0xffff) << 16 * part;
        bits.telling |= (uint64_t)(~_mm_movemask_epi8(no_telling) & 0xffff) << 16 * part;
    }
    return bits;
}
#endif

/* Whether a run of eight or more within these 64 bytes has a telling one among them. */
static int has_telling_run(Bits bits)
{
    uint64_t eight = bits.token & bits.token << 1;
    eight &= eight << 2;
    eight &= eight << 4;
    uint64_t up = bits.telling, down = bits.telling, up_to = bits.token, down_to = bits.token;
    for (int k = 1; k < BLOCK; k *= 2) {
        up |= up_to & up << k;
        up_to &= up_to << k;
        down |= down_to & down >> k;
        down_to &= down_to >> k;
    }
    return (eight & (up | down)) != 0;
}

enum { CLEAN, OPEN, SUSPICIOUS };

static int judge_block(const unsigned char *block, Before *before)
{
#ifdef SHUFFLES
    Bits bits = shuffles ? bits_by_shuffling(block) : bits_of_bytes(block);
#else
    Bits bits = bits_of_bytes(block);
#endif
    /* Bit n of a run of k: the bytes n - k + 1 to n. Each doubling looks back into the block before. */
    uint64_t run = bits.token, eight = 0;
    for (int i = 0, k = 1; i < 5; i++, k *= 2) {
        uint64_t longer = run & (run << k | before->runs[i] >> (BLOCK - k));
        before->runs[i] = run;
        run = longer;
        if (k == 4)
            eight = run;
    }
    uint64_t told = bits.telling | before->telling;
    before->telling = bits.telling;
    if (run)
        return SUSPICIOUS;
    if (!eight || !told)
        return CLEAN;
    return has_telling_run(bits) ? SUSPICIOUS : OPEN;
}

/* Whether the run that the block at *at* shares with the one before is such a run. */
static int crosses_telling(const unsigned char *data, size_t size, size_t at)
{
    size_t from = at, to = at;
    int seen = 0;
    while (from > 0 && classes[data[from - 1]])
        seen |= classes[data[--from]];
    while (from < at && to < size && classes[data[to]])
        seen |= classes[data[to++]];
    return to - from >= 8 && seen & TELLING;
}

static int holds(const unsigned char *data, size_t size, const char *literal, size_t length)
{
    for (const unsigned char *at = data, *end = data + size; (size_t)(end - at) >= length; at++) {
        at = memchr(at, literal[0], (size_t)(end - at) - length + 1);
        if (at == NULL)
            return 0;
        if (memcmp(at, literal, length) == 0)
            return 1;
    }
    return 0;
}

PyDoc_STRVAR(suspicious_doc,
"suspicious(data, /)\n--\n\nWhether *data* may hold what a rule finds; says yes too often rather than too seldom.");

static PyObject *suspicious(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!PyBytes_Check(given))
        return PyErr_Format(PyExc_TypeError, "suspicious takes bytes");
    const unsigned char *data = (const unsigned char *)PyBytes_AS_STRING(given);
    size_t size = (size_t)PyBytes_GET_SIZE(given), at = 0;
    Before before = {{0}, 0};
    for (; at < size; at += BLOCK) {
        unsigned char rest[BLOCK] = {0};
        const unsigned char *block = data + at;
        size_t here = size - at < BLOCK ? size - at : BLOCK;
        if (here < BLOCK)
            block = memcpy(rest, block, here);
        int judged = judge_block(block, &before);
        if (judged == OPEN && crosses_telling(data, size, at))
            judged = SUSPICIOUS;
        if (judged == SUSPICIOUS)
            Py_RETURN_TRUE;
    }
    /* Credentials in Base64 may be small letters; a password in an address has no shape. */
    int found = holds(data, size, "Basic ", 6)
                || (memchr(data, '@', size) != NULL && holds(data, size, "://", 3));
    return PyBool_FromLong(found);
}

static void make_classes(void)
{
    for (const char *at = token_characters; *at; at++)
        classes[(unsigned char)*at] = TOKEN;
    for (const char *at = telling_characters; *at; at++)
        classes[(unsigned char)*at] = TOKEN | TELLING;
#ifdef SHUFFLES
    for (int byte = 0; byte < 128; byte++) {
        by_low[0][byte & 15] |= (unsigned char)((classes[byte] & TOKEN ? 1 : 0) << (byte >> 4));
        by_low[1][byte & 15] |= (unsigned char)((classes[byte] & TELLING ? 1 : 0) << (byte >> 4));
    }
    shuffles = __builtin_cpu_supports("ssse3");
#endif
}
