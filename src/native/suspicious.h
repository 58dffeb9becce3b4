/* Two passes over a text that tell most texts to hold no secret: the kernel `suspicious` of kernels.c.
 *
 * First what every rule of shapes.py and assignments.py needs: a run of at least eight of the characters that tokens
 * are made of, with a capital or a digit in it, or a very long one; or one of two literals. What has none of them is
 * clean: 0.2 us/KB of plain words, by 64 bytes at a time. Then, sign by sign, what the gates need around it.
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
/* Of the token and the telling characters, of those of runs.py, and of the signs. */
static unsigned char by_low[4][16];

/* A bit for each upper nibble that goes with a lower one: two look-ups, and a bit that both have. */
__attribute__((target("ssse3"))) static Bits bits_by_shuffling(const unsigned char *block, int table)
{
    const __m128i firsts = _mm_loadu_si128((const __m128i *)by_low[table]);
    const __m128i seconds = _mm_loadu_si128((const __m128i *)by_low[table + 1]);
    const __m128i highs = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i nibble = _mm_set1_epi8(15), zero = _mm_setzero_si128();
    Bits bits = {0, 0};
    for (int part = 0; part < 4; part++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(block + 16 * part));
        __m128i low = _mm_and_si128(bytes, nibble);
        __m128i high = _mm_shuffle_epi8(highs, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
        __m128i no_first = _mm_cmpeq_epi8(_mm_and_si128(_mm_shuffle_epi8(firsts, low), high), zero);
        __m128i no_second = _mm_cmpeq_epi8(_mm_and_si128(_mm_shuffle_epi8(seconds, low), high), zero);
        bits.token |= (uint64_t)(~_mm_movemask_epi8(no_first) & 0xffff) << 16 * part;
        bits.telling |= (uint64_t)(~_mm_movemask_epi8(no_second) & 0xffff) << 16 * part;
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
    Bits bits = shuffles ? bits_by_shuffling(block, 0) : bits_of_bytes(block);
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

/* Which looks of redact.py a text needs, one bit for each, in the order of `signs`. What stands around the sign is
 * looked at as its gate does, but for what precedes it only as far as that is cheap. */
static const char signs[] = "-_.A~JB@=:";
static unsigned char sign_of[256], kinds[256];
static uint32_t endings[26];
/* The two characters before the sign with which a prefix of prefixes.py ends; and, before any of them, those with
 * which a word of drawn.py does. The tests of this kernel say which are missing. */
static const char *const heads[3] = {
    "-1-u.08eA3AABRCKDCFFIIIQKUPXRAa1a2afaiasbtchcocrctdkdpdtepfcfpftibkalflxlymtoborpapprtsptpttu1udulus"
    "xaxbxcxexoxpxrxsxx" /* - */,
    "1a1r2bB1CICKRSaaarbpcacickcocpcrcsdodpdtdwebevfkfpfwgdgogpguhfhohphrhshuhxioipkalclelflglklym1m2mame"
    "msnanbndnrnuo1orpapkpmprpsptpwqaqpqur8rerfrgrsrtsascsutftgtmtnuaudurutv1whwnxtysyu" /* _ */,
    "00010203040608091629AQSGVFa1cactimitpkptsat1u1usv1vbvrvswkws" /* . */
};
static const char words[] =
    "AKALATCEECENERETEYINIVKNNTODONOXPIRDRKSESHSKSSSTTETHVCVEWDakalatceecenereteyinivknntodonoxpirdrksesh"
    "sksssttethvcvewd";
static uint64_t ends_head[3][128][2];

/* For runs.py: what else a character of a run is. */
enum { LONG_RUN = 31, SIGN = 1, NUMBER = 2, LOW = 4, HIGH = 8, NO_HEXADECIMAL = 16 };
static unsigned char in_runs[256];

enum { SMALL = 1, LARGE = 2, DIGIT = 4, WORD_SIGN = 8, OTHER_SIGN = 16, VALUE_SIGN = 32, OPENS = 64, CLOSES = 128 };
enum { WORD = SMALL | LARGE | DIGIT | WORD_SIGN, RUN = WORD | OTHER_SIGN, VALUE = RUN | VALUE_SIGN };

typedef struct {
    const unsigned char *data;
    size_t size;
} Text;

static size_t run_of(Text text, size_t at, int kind, size_t most)
{
    size_t length = 0;
    while (length < most && at + length < text.size && kinds[text.data[at + length]] & kind)
        length++;
    return length;
}

static int follows(Text text, size_t at, const char *literal)
{
    size_t length = strlen(literal);
    return text.size - at >= length && memcmp(text.data + at, literal, length) == 0;
}

static int precedes(Text text, size_t at, const char *literal)
{
    size_t length = strlen(literal);
    return at >= length && memcmp(text.data + at - length, literal, length) == 0;
}

/* `_RANDOM_AHEAD`: ten characters of a token, with a capital or a digit soon. */
static int random_ahead(Text text, size_t at)
{
    if (run_of(text, at, RUN, 10) < 10)
        return 0;
    size_t soon = at + run_of(text, at, SMALL | WORD_SIGN | OTHER_SIGN, 24);
    return soon < text.size && kinds[text.data[soon]] & (LARGE | DIGIT);
}

/* `_RANDOM_AHEAD` behind a prefix that a table knows, or so many characters that it takes none. */
static int key_ahead(Text text, size_t at)
{
    if (!random_ahead(text, at))
        return 0;
    unsigned char before = at > 2 ? text.data[at - 3] : 0, last = at > 2 ? text.data[at - 2] : 0;
    int sign = sign_of[text.data[at - 1]] - 1;
    return (before < 128 && last < 128 && ends_head[sign][before][last >> 6] >> (last & 63) & 1)
           || run_of(text, at, WORD, 30) == 30;
}

/* `_AHEAD` of assignments.py: what may be a value that somebody made up. */
static int value_ahead(Text text, size_t at)
{
    at += run_of(text, at, OPENS, 5);
    if (run_of(text, at, VALUE, 8) < 8)
        return 0;
    size_t soon = at + run_of(text, at, VALUE & ~DIGIT, 40);
    return (soon < text.size && kinds[text.data[soon]] & DIGIT)
           || run_of(text, at, SMALL | LARGE | WORD_SIGN, 8) == 8;
}

static int scheme_ahead(Text text, size_t at)
{
    at += at < text.size && text.data[at] == ' ';
    at += at < text.size && (text.data[at] == '"' || text.data[at] == '\'');
    return text.size - at > 6 && follows(text, at + 1, "earer ");
}

/* Whether the two letters before the sign, and before what may stand between, end the name of a secret or of a type. */
static int name_behind(Text text, size_t at)
{
    for (int most = 5; most > 0 && at > 0 && kinds[text.data[at - 1]] & CLOSES; most--)
        at--;
    if (at < 2)
        return 0;
    int last = (text.data[at - 1] | 32) - 'a', before = (text.data[at - 2] | 32) - 'a';
    return last >= 0 && last < 26 && before >= 0 && before < 26 && endings[before] >> last & 1;
}

static int assigns(Text text, size_t at)
{
    if (scheme_ahead(text, at + 1))
        return 1;
    if (text.data[at] == ':') {
        if (precedes(text, at, "\""))
            return 0;
        if (follows(text, at + 1, " ") && text.size - at > 2 && strchr("TtAa", text.data[at + 2])
            && (follows(text, at + 3, "oken ") || follows(text, at + 3, "pi")))
            return 1;
    }
    return name_behind(text, at) && value_ahead(text, at + 1);
}

static int may_begin(Text text, size_t at)
{
    size_t next = at + 1;
    unsigned char first = next < text.size ? text.data[next] : ' ';
    switch (text.data[at]) {
    case '-':
        return key_ahead(text, next) || follows(text, next, "BEGIN ") || follows(text, next, "us")
               || (at > 35 && memcmp(text.data + at - 36, "dapi", 4) == 0);
    case '_':
        return key_ahead(text, next) || run_of(text, next, DIGIT, 8) == 8 || follows(text, next, "mmk")
               || follows(text, next, "token$");
    case '.':
        return key_ahead(text, next) || run_of(text, next, SMALL | DIGIT, 62) == 62
               || (follows(text, next, "com/") && text.size - next > 4 && strchr("swtha", text.data[next + 4]));
    case 'A':
        return precedes(text, at, "NR") || precedes(text, at, "NRM") || precedes(text, at, "!")
               || (strchr("KSBCITAZMPzERs", first) && run_of(text, next, RUN, 6) == 6);
    case '~':
        return run_of(text, next, WORD | OTHER_SIGN, 31) == 31;
    case 'J':
        return precedes(text, at, "ey") || follows(text, next, "Ti") || follows(text, next, "QQJ9");
    case 'B':
        return follows(text, next, "earer ") || follows(text, next, "asic ");
    case '@':
        return 1;
    default:
        return assigns(text, at);
    }
}

/* Whether a run begins with a word and a sign, as ids do; the letter of an escape may be no part of it. */
static int is_headed(Text text, size_t from)
{
    size_t at = from + (in_runs[text.data[from]] & HIGH ? 1 : 0), most = at + 11;
    if (from > 0 && text.data[from - 1] == '\\')
        return 0;
    while (at < most && at < text.size && (in_runs[text.data[at]] & (LOW | NUMBER)))
        at++;
    return at > from + 1 && at < text.size && (text.data[at] == '_' || text.data[at] == '-');
}

/* Whether a run of runs.py may be a key: no number, no digest, no UUID. One that is long enough holds a 31st byte. */
static int has_long_run(Text text, size_t from)
{
    size_t at = from + LONG_RUN;
    while (at <= text.size) {
        size_t start = at;
        while (start > from && in_runs[text.data[start - 1]])
            start--;
        if (start > from) { /* what is before *start* is in no run, so the next may begin there */
            from = start;
            at = start + LONG_RUN;
            continue;
        }
        size_t digits = 0, changes = 0;
        int seen = 0, before = SIGN;
        for (at = from; at < text.size && in_runs[text.data[at]]; at++) {
            int here = in_runs[text.data[at]] & ~NO_HEXADECIMAL;
            changes += here != before && here != SIGN && before != SIGN;
            digits += here == NUMBER;
            seen |= in_runs[text.data[at]];
            before = here;
        }
        /* The letters of an escape may be no part of it, nor their changes. */
        if (digits > 1 && 50 * changes + 150 >= 9 * (at - from)
            && (seen & NO_HEXADECIMAL || (seen & LOW && seen & HIGH)) && !is_headed(text, from))
            return 1;
        from = at + 1;
        at = from + LONG_RUN;
    }
    return 0;
}

static void look_at_sign(Text text, size_t at, unsigned long *found)
{
    int sign = sign_of[text.data[at]];
    if (sign && !(*found >> sign & 1) && may_begin(text, at))
        *found |= 1UL << sign;
}

#ifdef SHUFFLES
/* Looks at each sign, and says from where on there may be a long run. */
static size_t look_by_shuffling(Text text, unsigned long *found)
{
    size_t first = text.size, open = 0; /* so many bytes of a run are behind us */
    for (size_t at = 0; at < text.size; at += BLOCK) {
        unsigned char rest[BLOCK] = {0};
        const unsigned char *block = text.data + at;
        if (text.size - at < BLOCK)
            block = memcpy(rest, block, text.size - at);
        Bits bits = bits_by_shuffling(block, 2);
        for (uint64_t left = bits.telling; left; left &= left - 1)
            look_at_sign(text, at + (size_t)__builtin_ctzll(left), found);
        uint64_t run = bits.token, gaps = ~run;
        size_t head = gaps ? (size_t)__builtin_ctzll(gaps) : BLOCK;
        for (int k = 1; k < 16; k *= 2)
            run &= run >> k;
        if (first == text.size && (open + head >= LONG_RUN || run & run >> (LONG_RUN - 16)))
            first = at - open;
        open = gaps ? (size_t)__builtin_clzll(gaps) : open + BLOCK;
    }
    return first;
}
#endif

static long looks(Text text)
{
    unsigned long found = 0;
    size_t run = 0;
#ifdef SHUFFLES
    if (shuffles)
        run = look_by_shuffling(text, &found);
    else
#endif
        for (size_t at = 0; at < text.size; at++)
            look_at_sign(text, at, &found);
    unsigned long address = 1UL << sign_of['@'];
    if (found & address && !holds(text.data, text.size, "://", 3))
        found &= ~address;
    if (has_long_run(text, run))
        found |= 2UL << (sizeof signs - 1);
    return (long)(found >> 1);
}

static int may_hold(Text text)
{
    Before before = {{0}, 0};
    for (size_t at = 0; at < text.size; at += BLOCK) {
        unsigned char rest[BLOCK] = {0};
        const unsigned char *block = text.data + at;
        size_t here = text.size - at < BLOCK ? text.size - at : BLOCK;
        if (here < BLOCK)
            block = memcpy(rest, block, here);
        int judged = judge_block(block, &before);
        if (judged == SUSPICIOUS || (judged == OPEN && crosses_telling(text.data, text.size, at)))
            return 1;
    }
    /* Credentials in Base64 may be small letters; a password in an address has no shape. */
    return holds(text.data, text.size, "Basic ", 6)
           || (memchr(text.data, '@', text.size) != NULL && holds(text.data, text.size, "://", 3));
}

PyDoc_STRVAR(suspicious_doc,
"suspicious(data, /)\n--\n\nWhich looks may find something in *data*, a bit for each; rather too many than too few.");

static PyObject *suspicious(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!PyBytes_Check(given))
        return PyErr_Format(PyExc_TypeError, "suspicious takes bytes");
    Text text = {(const unsigned char *)PyBytes_AS_STRING(given), (size_t)PyBytes_GET_SIZE(given)};
    return PyLong_FromLong(may_hold(text) ? looks(text) : 0);
}

static void make_kinds(void)
{
    static const char pairs[] = "eyysenettswtwdthatrddsseieallsssdeesngontr";
    for (int letter = 'a'; letter <= 'z'; letter++) {
        kinds[letter] = SMALL;
        kinds[letter - 32] = LARGE;
    }
    for (int letter = 'a'; letter <= 'z'; letter++) {
        in_runs[letter] = letter > 'f' ? LOW | NO_HEXADECIMAL : LOW;
        in_runs[letter - 32] = letter > 'f' ? HIGH | NO_HEXADECIMAL : HIGH;
    }
    for (int digit = '0'; digit <= '9'; digit++) {
        kinds[digit] = DIGIT;
        in_runs[digit] = NUMBER;
    }
    for (const char *at = "_-+/"; *at; at++)
        in_runs[(unsigned char)*at] = SIGN;
    kinds['_'] = kinds['-'] = WORD_SIGN;
    for (const char *at = ".+/="; *at; at++)
        kinds[(unsigned char)*at] = OTHER_SIGN;
    kinds['~'] = OTHER_SIGN;
    for (const char *at = "!@#%^*"; *at; at++)
        kinds[(unsigned char)*at] = VALUE_SIGN;
    for (const char *at = " >\\\"'`"; *at; at++)
        kinds[(unsigned char)*at] = OPENS;
    for (const char *at = " :]'\"`"; *at; at++)
        kinds[(unsigned char)*at] |= CLOSES;
    for (int sign = 0; sign < 3; sign++)
        for (int of_words = 0; of_words < 2; of_words++)
            for (const char *at = of_words ? words : heads[sign]; *at; at += 2)
                ends_head[sign][(unsigned char)at[0]][(unsigned char)at[1] >> 6] |= 1ULL << (at[1] & 63);
    for (int bit = 0; signs[bit]; bit++)
        sign_of[(unsigned char)signs[bit]] = (unsigned char)(bit + 1);
    for (const char *at = pairs; *at; at += 2)
        endings[at[0] - 'a'] |= 1U << (at[1] - 'a');
}

static void make_classes(void)
{
    make_kinds();
    for (const char *at = token_characters; *at; at++)
        classes[(unsigned char)*at] = TOKEN;
    for (const char *at = telling_characters; *at; at++)
        classes[(unsigned char)*at] = TOKEN | TELLING;
#ifdef SHUFFLES
    for (int byte = 0; byte < 128; byte++) {
        by_low[0][byte & 15] |= (unsigned char)((classes[byte] & TOKEN ? 1 : 0) << (byte >> 4));
        by_low[1][byte & 15] |= (unsigned char)((classes[byte] & TELLING ? 1 : 0) << (byte >> 4));
        by_low[2][byte & 15] |= (unsigned char)((in_runs[byte] ? 1 : 0) << (byte >> 4));
        by_low[3][byte & 15] |= (unsigned char)((sign_of[byte] ? 1 : 0) << (byte >> 4));
    }
    shuffles = __builtin_cpu_supports("ssse3");
#endif
}
