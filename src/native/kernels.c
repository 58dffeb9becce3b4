/* The inner loops of the caller's path: each function here has a twin in Python that gives the same for the same
 * arguments, and the suite compares the two (test_..._compiled.py). Where no compiler was at hand, or the
 * platform is another, the twins are what runs.
 *
 *   look        _core/plain.py      is this value a small tree of plain types?
 *   plain       _core/plain.py      its JSON, if it is
 *   clean       _core/plain.py      the same, and whether there may be a secret in it
 *   clone       _core/starting.py   an observation that begins as all do
 *   draw        _core/ids.py        the bytes of an id
 *   derive      _core/context.py    a context with a few keys on top
 *   text_field  _wire/encode.py     one attribute whose value is text
 *   count_fields  _core/counts.py   counts of tokens as attributes, and as JSON
 *   join_span   _wire/encode.py     one span from ready fields
 *   suspicious  _core/redact.py     may this text hold a secret?
 *   checksum    _delivery/record.py the crc of a record
 *   store       _delivery/writers.py  a record into a mapped segment
 *   scan        _delivery/scan.py   the records of a buffer
 *   content     _integrations/content.py  what may be recorded of a payload
 *   fields      _integrations/content.py  the fields of an SDK's object
 *   completion  _integrations/openai/chat.py  a whole answer of the usual kind
 *   delta       _integrations/openai/chat.py  a chunk of a stream that brings text
 *   piece       _integrations/openai/responses.py  an event of a stream that brings text
 *   scalars     _integrations/parameters.py  what a request is told beside its input, to look it up by
 *   ordinary    _core/openai_usage.py  what most calls say that they used
 *   costs       _prices/charges.py  what counts of tokens cost, as attributes
 *   gather      _delivery/gather.py what stands in the spans of a segment, one behind the other
 *   exchange    _delivery/kept.py   a request and the begin of its reply
 *
 * Rules:
 * 1. Nothing here gives up the GIL but `exchange`, which is the deliverer's, and nothing calls code of the application:
 *    only exact built-in types are read, and for `_integrations` the fields of an SDK's objects.
 * 2. What a kernel has no answer for it hands back (NotImplemented), or asks its twin: so the rare is said once.
 * 3. Every length is checked where it is used; no pointer outlives the call.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <structmember.h>

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef Py_GIL_DISABLED
#error "The kernels read mutable containers and rely on the GIL; without it the library runs in pure Python."
#endif

#ifndef __GNUC__
#include <intrin.h>
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define FOLDS_CRC 1
#include <immintrin.h>
#endif

#include "suspicious.h"

static void put32(unsigned char *at, uint32_t word)
{
    at[0] = (unsigned char)word;
    at[1] = (unsigned char)(word >> 8);
    at[2] = (unsigned char)(word >> 16);
    at[3] = (unsigned char)(word >> 24);
}

static void put64(unsigned char *at, uint64_t word)
{
    put32(at, (uint32_t)word);
    put32(at + 4, (uint32_t)(word >> 32));
}

static PyObject *not_here(void) { return Py_NewRef(Py_NotImplemented); }

/* Whether *given* is an int from *low* to *high*, which *value* becomes; if not, an exception is set. Without
 * `__index__`, which would be code of the application. */
static int number(PyObject *given, long long low, long long high, long long *value)
{
    if (!PyLong_Check(given)) {
        PyErr_Format(PyExc_TypeError, "an int is needed, not %.100s", Py_TYPE(given)->tp_name);
        return 0;
    }
    *value = PyLong_AsLongLong(given);
    if (*value == -1 && PyErr_Occurred())
        return 0;
    if (*value < low || *value > high) {
        PyErr_Format(PyExc_OverflowError, "%lld is not between %lld and %lld", *value, low, high);
        return 0;
    }
    return 1;
}

#ifndef _WIN32
#define EXCHANGES 1
#include "exchange.h"
#endif

/* -- look ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    Py_ssize_t room, nodes;
    int levels, deepest;
    PyObject *harmless; /* a set of keys, or NULL where keys do not matter */
} Look;

enum { PLAIN, ODD, UNKNOWN, FAILED };

/* Twenty are asked for. More than these might not fit the stack of a small thread. */
enum { MOST_LEVELS = 200 };

static int walk(PyObject *container, Look *look, int depth);

static int item_is(PyObject *item, Look *look, int depth)
{
    PyTypeObject *kind = Py_TYPE(item);
    if (kind == &PyUnicode_Type) {
        look->room -= PyUnicode_GET_LENGTH(item);
        return look->room < 0 ? ODD : PLAIN;
    }
    if (kind == &PyLong_Type || item == Py_None || kind == &PyBool_Type)
        return PLAIN;
    if (kind == &PyFloat_Type)
        return isfinite(PyFloat_AS_DOUBLE(item)) ? PLAIN : ODD;
    if (kind == &PyDict_Type || kind == &PyList_Type || kind == &PyTuple_Type)
        return walk(item, look, depth + 1);
    return ODD;
}

/* Recursion is bounded by the levels; nothing is changed meanwhile, because nothing else runs. */
static int walk(PyObject *container, Look *look, int depth)
{
    if (depth > look->levels)
        return ODD;
    if (depth > look->deepest)
        look->deepest = depth;
    int found = PLAIN;
    if (PyDict_CheckExact(container)) {
        look->nodes -= PyDict_GET_SIZE(container) + 1;
        if (look->nodes < 0)
            return ODD;
        PyObject *key, *item;
        Py_ssize_t at = 0;
        while (found == PLAIN && PyDict_Next(container, &at, &key, &item)) {
            if (look->harmless != NULL) {
                if (!PyUnicode_CheckExact(key))
                    return ODD;
                int known = PySet_Contains(look->harmless, key);
                if (known <= 0)
                    return known < 0 ? FAILED : UNKNOWN;
            }
            found = item_is(item, look, depth);
        }
        return found;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(container);
    look->nodes -= count + 1;
    if (look->nodes < 0)
        return ODD;
    for (Py_ssize_t i = 0; found == PLAIN && i < count; i++)
        found = item_is(PySequence_Fast_GET_ITEM(container, i), look, depth);
    return found;
}

/* PLAIN, ODD, UNKNOWN (the twin decides) or FAILED; *args*: value, room, nodes, levels, harmless. */
static int look_at(PyObject *const *args, Look *look)
{
    PyObject *value = args[0];
    long long room, nodes, levels;
    if (!number(args[1], PY_SSIZE_T_MIN, PY_SSIZE_T_MAX, &room)
        || !number(args[2], PY_SSIZE_T_MIN, PY_SSIZE_T_MAX, &nodes) || !number(args[3], INT_MIN, INT_MAX, &levels))
        return FAILED;
    if (args[4] != Py_None && !PySet_CheckExact(args[4])) {
        /* Never "keys do not matter" by mistake: they may be the names of secrets. */
        PyErr_SetString(PyExc_TypeError, "the harmless keys are a set, or None");
        return FAILED;
    }
    look->room = (Py_ssize_t)room;
    look->nodes = (Py_ssize_t)nodes;
    look->levels = (int)levels;
    look->deepest = 0;
    look->harmless = args[4] == Py_None ? NULL : args[4];
    if (!PyDict_CheckExact(value) && !PyList_CheckExact(value) && !PyTuple_CheckExact(value))
        return ODD;
    if (room < 0 || nodes < 0)
        return ODD;
    return levels > MOST_LEVELS ? UNKNOWN : walk(value, look, 1);
}

PyDoc_STRVAR(look_doc,
"look(value, room, nodes, levels, harmless, /)\n--\n\n"
"(nodes, levels) of a dict, list or tuple, None where the walker is needed, NotImplemented where the twin decides:\n"
"for a key that is not in *harmless*, and for more levels than the stack of a small thread has room for.");

static PyObject *look(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Look look;
    if (count != 5)
        return PyErr_Format(PyExc_TypeError, "look takes 5 arguments (%zd given)", count);
    switch (look_at(args, &look)) {
    case PLAIN:
        return Py_BuildValue("ni", PyLong_AsSsize_t(args[2]) - look.nodes, look.deepest);
    case ODD:
        Py_RETURN_NONE;
    case UNKNOWN:
        return not_here();
    default:
        return NULL;
    }
}

PyDoc_STRVAR(plain_doc,
"plain(value, room, nodes, levels, harmless, dumps, options, /)\n--\n\n"
"What dumps(value, None, options) gives, if `look` finds nothing odd and it fits into *room* bytes; else as `look`.");

static PyObject *plain(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Look look;
    if (count != 7)
        return PyErr_Format(PyExc_TypeError, "plain takes 7 arguments (%zd given)", count);
    switch (look_at(args, &look)) {
    case PLAIN:
        break;
    case ODD:
        Py_RETURN_NONE;
    case UNKNOWN:
        return not_here();
    default:
        return NULL;
    }
    PyObject *given[] = {NULL, args[0], Py_None, args[6]};
    PyObject *data = PyObject_Vectorcall(args[5], given + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (data == NULL) {
        /* An integer of more than 53 bits, half of a surrogate pair; no room left on the stack. */
        if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_RuntimeError))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    if (!PyBytes_CheckExact(data) || PyBytes_GET_SIZE(data) > PyLong_AsSsize_t(args[1])) {
        Py_DECREF(data);
        Py_RETURN_NONE;
    }
    return data;
}

PyDoc_STRVAR(clean_doc,
"clean(harmless, dumps, options, nodes, levels, value, room, /)\n--\n\n"
"(What `plain` gives, whether there may be a secret in it) of the same value; else as `plain`.");

static PyObject *clean(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 7)
        return PyErr_Format(PyExc_TypeError, "clean takes 7 arguments (%zd given)", count);
    PyObject *given[] = {args[5], args[6], args[3], args[4], args[0], args[1], args[2]};
    PyObject *data = plain(module, given, 7);
    if (data == NULL || !PyBytes_CheckExact(data))
        return data;
    PyObject *found = suspicious(module, data);
    if (found == NULL) {
        Py_DECREF(data);
        return NULL;
    }
    /* Behind a backslash may be a key of JSON in JSON. */
    int maybe = PyObject_IsTrue(found);
    maybe = maybe || memchr(PyBytes_AS_STRING(data), '\\', (size_t)PyBytes_GET_SIZE(data)) != NULL;
    Py_DECREF(found);
    return Py_BuildValue("NO", data, maybe ? Py_True : Py_False);
}

#include "content.h"

/* -- contexts ------------------------------------------------------------------------------------------------------ */

/* Whether *kind* is *base* or its subclass, with classes written in Python alone between the two: one of C, such as
 * OrderedDict, has a memory of its own, which only its own `__new__` makes. */
static int is_class_of(PyObject *kind, PyTypeObject *base)
{
    if (!PyType_Check(kind))
        return 0;
    PyTypeObject *type = (PyTypeObject *)kind;
    while (type != base && type != NULL && type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        type = type->tp_base;
    return type == base;
}

PyDoc_STRVAR(derive_doc,
"derive(kind, context, /, *pairs)\n--\n\n"
"A new mapping of *kind* (a dict's subclass) with all of *context*, and the keys and values of *pairs* on top.");

static PyObject *derive(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count < 2 || count % 2 || !is_class_of(args[0], &PyDict_Type) || !PyDict_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "derive takes a subclass of dict, a dict, keys and values");
    PyTypeObject *kind = (PyTypeObject *)args[0];
    PyObject *nothing = PyTuple_New(0);
    if (nothing == NULL)
        return NULL;
    /* Without `__init__`, which is dict's own and would copy a second time. */
    PyObject *made = PyDict_Type.tp_new(kind, nothing, NULL);
    Py_DECREF(nothing);
    if (made == NULL)
        return NULL;
    int failed = PyDict_Merge(made, args[1], 1);
    for (Py_ssize_t i = 2; !failed && i < count; i += 2)
        failed = PyDict_SetItem(made, args[i], args[i + 1]);
    if (failed)
        Py_CLEAR(made);
    return made;
}

/* -- beginnings ---------------------------------------------------------------------------------------------------- */

PyDoc_STRVAR(clone_doc,
"clone(given, /)\n--\n\n"
"Another object of the class of *given*, which is written in Python, with the same in all slots.");

static PyObject *clone_of(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyTypeObject *kind = Py_TYPE(given);
    if (!(kind->tp_flags & Py_TPFLAGS_HEAPTYPE) || !is_class_of((PyObject *)kind, &PyBaseObject_Type))
        return PyErr_Format(PyExc_TypeError, "clone takes an object of a class that is written in Python");
    PyObject *nothing = PyTuple_New(0);
    if (nothing == NULL)
        return NULL;
    PyObject *made = PyBaseObject_Type.tp_new(kind, nothing, NULL);
    Py_DECREF(nothing);
    for (PyTypeObject *base = kind; made != NULL && base != NULL; base = base->tp_base)
        for (PyMemberDef *slot = base->tp_members; slot != NULL && slot->name != NULL; slot++)
            if (slot->type == T_OBJECT_EX) {
                PyObject *held = *(PyObject **)((char *)given + slot->offset);
                *(PyObject **)((char *)made + slot->offset) = Py_XNewRef(held);
            }
    return made;
}

enum { STATE = 32 };

static uint64_t get64(const unsigned char *at)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | at[i];
    return word;
}

static uint64_t turned(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

PyDoc_STRVAR(draw_doc,
"draw(state, size, /)\n--\n\n"
"So many random bytes, not all of them zero, from a *state* of 32 random bytes (a bytearray), which goes on.");

/* xoshiro256++ by Blackman and Vigna: https://prng.di.unimi.it (public domain); ids need to be unique, not secret. */
static PyObject *draw(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    long long size;
    if (count != 2 || !PyByteArray_CheckExact(args[0]) || PyByteArray_GET_SIZE(args[0]) != STATE)
        return PyErr_Format(PyExc_TypeError, "draw takes a bytearray of 32 bytes and a size");
    if (!number(args[1], 8, 16, &size))
        return NULL;
    unsigned char *state = (unsigned char *)PyByteArray_AS_STRING(args[0]), drawn[16];
    uint64_t s[4], any = 0;
    for (int i = 0; i < 4; i++)
        any |= s[i] = get64(state + 8 * i);
    if (!any)
        return PyErr_Format(PyExc_ValueError, "a state of zeros gives nothing else");
    for (any = 0; !any;)
        for (int at = 0; at < 16; at += 8) {
            uint64_t word = turned(s[0] + s[3], 23) + s[0], next = s[1] << 17;
            s[2] ^= s[0];
            s[3] ^= s[1];
            s[1] ^= s[2];
            s[0] ^= s[3];
            s[2] ^= next;
            s[3] = turned(s[3], 45);
            put64(drawn + at, word);
            if (at < size)
                any |= word;
        }
    for (int i = 0; i < 4; i++)
        put64(state + 8 * i, s[i]);
    return PyBytes_FromStringAndSize((const char *)drawn, (Py_ssize_t)size);
}

#include "protobuf.h"
#include "usage.h"
#include "chat.h"

/* -- records ------------------------------------------------------------------------------------------------------- */

static uint32_t crc_table[8][256];

static void make_crc_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        crc_table[0][byte] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = crc_table[slice - 1][byte];
            crc_table[slice][byte] = crc >> 8 ^ crc_table[0][crc & 0xff];
        }
}

/* Eight bytes a step; *crc* is inverted, as everywhere below. */
static uint32_t crc_by_table(uint32_t crc, const unsigned char *data, size_t size)
{
    for (; size >= 8; size -= 8, data += 8) {
        uint32_t low = crc ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16
                              | (uint32_t)data[3] << 24);
        crc = crc_table[7][low & 0xff] ^ crc_table[6][low >> 8 & 0xff] ^ crc_table[5][low >> 16 & 0xff]
              ^ crc_table[4][low >> 24] ^ crc_table[3][data[4]] ^ crc_table[2][data[5]]
              ^ crc_table[1][data[6]] ^ crc_table[0][data[7]];
    }
    for (; size; size--, data++)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *data) & 0xff];
    return crc;
}

#ifdef FOLDS_CRC
static int folds;

/* Carry-less multiplication folds 64 bytes a step: V. Gopal and others, "Fast CRC Computation for Generic Polynomials
 * Using PCLMULQDQ Instruction", Intel, 2009; the constants are x^n modulo the polynomial of zlib's crc, bit-reflected.
 * 2.8 KB take 0.1 µs, by the table 1.3. *size* is a multiple of 16, at least 64. */
__attribute__((target("pclmul,sse4.1"))) static uint32_t
crc_by_folding(uint32_t crc, const unsigned char *data, size_t size)
{
    const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m128i by_8 = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0);
    __m128i lane[4];
    for (int i = 0; i < 4; i++)
        lane[i] = _mm_loadu_si128((const __m128i *)(data + 16 * i));
    lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128((int)crc));
    for (data += 64, size -= 64; size >= 64; data += 64, size -= 64)
        for (int i = 0; i < 4; i++) {
            __m128i low = _mm_clmulepi64_si128(lane[i], by_64, 0x00);
            __m128i high = _mm_clmulepi64_si128(lane[i], by_64, 0x11);
            __m128i next = _mm_loadu_si128((const __m128i *)(data + 16 * i));
            lane[i] = _mm_xor_si128(_mm_xor_si128(low, high), next);
        }
    __m128i sum = lane[0];
    for (int i = 1; i < 4; i++) {
        __m128i low = _mm_clmulepi64_si128(sum, by_16, 0x00);
        sum = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(sum, by_16, 0x11), low), lane[i]);
    }
    for (; size >= 16; data += 16, size -= 16) {
        __m128i low = _mm_clmulepi64_si128(sum, by_16, 0x00);
        __m128i next = _mm_loadu_si128((const __m128i *)data);
        sum = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(sum, by_16, 0x11), low), next);
    }
    /* 128 bits to 64, to 32, then Barrett's reduction. */
    sum = _mm_xor_si128(_mm_clmulepi64_si128(sum, by_16, 0x10), _mm_srli_si128(sum, 8));
    __m128i rest = _mm_srli_si128(sum, 4);
    sum = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(sum, low_words), by_8, 0x00), rest);
    __m128i fold = _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), barrett, 0x10);
    fold = _mm_clmulepi64_si128(_mm_and_si128(fold, low_words), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(sum, fold), 1);
}
#endif

static uint32_t crc_over(uint32_t crc, const unsigned char *data, size_t size)
{
#ifdef FOLDS_CRC
    if (folds && size >= 64) {
        size_t whole = size & ~(size_t)15;
        crc = crc_by_folding(crc, data, whole);
        data += whole;
        size -= whole;
    }
#endif
    return crc_by_table(crc, data, size);
}

/* As zlib.crc32, and as record.checksum: the two words that frame a record, then the payload. */
static uint32_t checksum(uint32_t length, uint32_t meta, uint32_t key, const void *payload, size_t size)
{
    unsigned char words[8];
    put32(words, length);
    put32(words + 4, meta);
    return ~crc_over(crc_over(~key, words, 8), payload, size);
}

/* As in record.py and segment.py. */
enum { HEADER = 16, ALIGNMENT = 8, COUNTER_AT = 128, RECORDS_AT = 256, KIND_SCOPE = 1 };
enum { LARGEST = HEADER + (64 << 20) };

/* The store that makes a record count comes after all others, for compiler and processor. *mark* is aligned. */
static void commit(unsigned char *mark, uint32_t key)
{
    uint32_t stored;
    put32((unsigned char *)&stored, key);
#ifdef __GNUC__
    __atomic_store_n((uint32_t *)mark, stored, __ATOMIC_RELEASE);
#else
    _InterlockedExchange((volatile long *)mark, (long)stored);
#endif
}

/* In one store where the processor has one: nobody reads half of a count. *counter* is aligned. */
static void set_counter(unsigned char *counter, uint64_t count)
{
    uint64_t stored;
    put64((unsigned char *)&stored, count);
    *(volatile uint64_t *)counter = stored;
}

PyDoc_STRVAR(checksum_doc, "checksum(payload, length, meta, key, /)\n--\n\nThe crc of a record.");

static PyObject *checksum_of(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Py_buffer payload;
    long long length, meta, key;
    if (count != 4)
        return PyErr_Format(PyExc_TypeError, "checksum takes 4 arguments (%zd given)", count);
    if (!number(args[1], 0, UINT32_MAX, &length) || !number(args[2], 0, UINT32_MAX, &meta)
        || !number(args[3], 0, UINT32_MAX, &key) || PyObject_GetBuffer(args[0], &payload, PyBUF_SIMPLE) < 0)
        return NULL;
    uint32_t crc = checksum((uint32_t)length, (uint32_t)meta, (uint32_t)key, payload.buf, (size_t)payload.len);
    PyBuffer_Release(&payload);
    return PyLong_FromUnsignedLong(crc);
}

PyDoc_STRVAR(store_doc,
"store(segment, at, payload, meta, key, count, /)\n--\n\n"
"Writes a whole record into a mapped *segment*, and *count* into its counter unless that is negative.");

static PyObject *store(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 6 || !PyBytes_CheckExact(args[2]))
        return PyErr_Format(PyExc_TypeError, "store takes 6 arguments, the third bytes");
    Py_ssize_t size = PyBytes_GET_SIZE(args[2]);
    long long at, meta, key, counted;
    Py_buffer segment;
    if (!number(args[1], PY_SSIZE_T_MIN, PY_SSIZE_T_MAX, &at) || !number(args[3], 0, UINT32_MAX, &meta)
        || !number(args[4], 0, UINT32_MAX, &key) || !number(args[5], LLONG_MIN, LLONG_MAX, &counted)
        || PyObject_GetBuffer(args[0], &segment, PyBUF_WRITABLE) < 0)
        return NULL;
    /* None of these can overflow: a bytes object is smaller than PY_SSIZE_T_MAX by more than its record's frame. */
    Py_ssize_t length = HEADER + size, whole = (length + ALIGNMENT - 1) & -(Py_ssize_t)ALIGNMENT;
    if (at < RECORDS_AT || at % ALIGNMENT || whole > segment.len || at > segment.len - whole
        || (uint64_t)length > UINT32_MAX || (uintptr_t)segment.buf % ALIGNMENT) {
        PyBuffer_Release(&segment);
        return PyErr_Format(PyExc_ValueError, "no room for %zd bytes at %lld", length, at);
    }
    Py_ssize_t end = (Py_ssize_t)at + whole;
    unsigned char *record = (unsigned char *)segment.buf + at;
    /* What stood in this place before must not read as a record that follows. */
    if (end + ALIGNMENT <= segment.len)
        memset((unsigned char *)segment.buf + end, 0, ALIGNMENT);
    put32(record, (uint32_t)length);
    if (counted >= 0)
        set_counter((unsigned char *)segment.buf + COUNTER_AT, (uint64_t)counted);
    memcpy(record + HEADER, PyBytes_AS_STRING(args[2]), (size_t)size);
    memset(record + length, 0, (size_t)(whole - length));
    uint32_t crc = checksum((uint32_t)length, (uint32_t)meta, (uint32_t)key, PyBytes_AS_STRING(args[2]), (size_t)size);
    put32(record + 8, crc);
    put32(record + 12, (uint32_t)meta);
    commit(record + 4, (uint32_t)key);
    PyBuffer_Release(&segment);
    Py_RETURN_NONE;
}

static uint32_t get32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A Record (a named tuple) of the seven things that it has; NULL with an exception set. */
static PyObject *new_record(PyTypeObject *kind, PyObject *segment, long long start, long long end,
                            uint32_t meta, const unsigned char *payload, Py_ssize_t size)
{
    PyObject *record = kind->tp_alloc(kind, 7);
    if (record == NULL)
        return NULL;
    PyTuple_SET_ITEM(record, 0, Py_NewRef(segment));
    PyTuple_SET_ITEM(record, 1, PyLong_FromLongLong(start));
    PyTuple_SET_ITEM(record, 2, PyLong_FromLongLong(end));
    PyTuple_SET_ITEM(record, 3, PyLong_FromLong((long)(meta >> 16 & 0xff)));
    PyTuple_SET_ITEM(record, 4, PyLong_FromLong((long)(meta & 0xffff)));
    PyTuple_SET_ITEM(record, 5, PyLong_FromLong((long)(meta >> 24)));
    PyTuple_SET_ITEM(record, 6, PyBytes_FromStringAndSize((const char *)payload, size));
    for (int i = 1; i < 7; i++)
        if (PyTuple_GET_ITEM(record, i) == NULL) {
            Py_DECREF(record);
            return NULL;
        }
    return record;
}

PyDoc_STRVAR(scan_doc,
"scan(buffer, at, key, segment, origin, trusted, max_bytes, max_records, kind, /)\n--\n\n"
"The committed records of *buffer* from *at* on, as tuples of *kind*, and where the scan ended.");

/* Whether *kind* is a NamedTuple of seven fields: other subclasses of tuple may have hidden ones. */
static int is_record(PyObject *kind)
{
    if (!is_class_of(kind, &PyTuple_Type))
        return 0;
    PyObject *fields = PyObject_GetAttrString(kind, "_fields");
    int fits = fields != NULL && PyTuple_CheckExact(fields) && PyTuple_GET_SIZE(fields) == 7;
    Py_XDECREF(fields);
    PyErr_Clear();
    return fits;
}

static PyObject *scan(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 9 || !PyBytes_CheckExact(args[0]) || !is_record(args[8]))
        return PyErr_Format(PyExc_TypeError, "scan takes bytes, seven numbers and a NamedTuple of seven fields");
    const unsigned char *buffer = (const unsigned char *)PyBytes_AS_STRING(args[0]);
    Py_ssize_t size = PyBytes_GET_SIZE(args[0]);
    long long start, key, origin, trusted, bytes, records;
    if (!number(args[1], PY_SSIZE_T_MIN, PY_SSIZE_T_MAX, &start) || !number(args[2], 0, UINT32_MAX, &key)
        || !number(args[4], 0, LLONG_MAX - size - ALIGNMENT, &origin)
        || !number(args[5], LLONG_MIN, LLONG_MAX, &trusted) || !number(args[6], LLONG_MIN, LLONG_MAX, &bytes)
        || !number(args[7], LLONG_MIN, LLONG_MAX, &records))
        return NULL;
    Py_ssize_t at = (Py_ssize_t)start;
    PyObject *found = PyList_New(0);
    if (found == NULL)
        return NULL;
    while (at >= 0 && at <= size - HEADER && records > 0) {
        uint32_t length = get32(buffer + at), meta = get32(buffer + at + 12);
        if (get32(buffer + at + 4) != (uint32_t)key || length < HEADER || length > LARGEST
            || (Py_ssize_t)length > size - at || (meta >> 16 & 0xff) == KIND_SCOPE)
            break;
        Py_ssize_t payload = (Py_ssize_t)length - HEADER;
        Py_ssize_t following = (at + (Py_ssize_t)length + ALIGNMENT - 1) & -(Py_ssize_t)ALIGNMENT;
        if (bytes < payload)
            break;
        bytes -= payload;
        const unsigned char *content = buffer + at + HEADER;
        if (following > trusted
            && checksum(length, meta, (uint32_t)key, content, (size_t)payload) != get32(buffer + at + 8))
            break;
        PyObject *record = new_record((PyTypeObject *)args[8], args[3], origin + at, origin + following, meta,
                                      content, payload);
        if (record == NULL || PyList_Append(found, record) < 0) {
            Py_XDECREF(record);
            Py_DECREF(found);
            return NULL;
        }
        Py_DECREF(record);
        at = following;
        records--;
    }
    return Py_BuildValue("Nn", found, at);
}

PyDoc_STRVAR(gather_doc,
"gather(segment, at, end, key, scope, avoid, max_bytes, max_records, /)\n--\n\n"
"The payloads of the spans of *scope* with none of the flags *avoid*, in one piece; their lengths; where they end.");

static Py_ssize_t following(Py_ssize_t at, Py_ssize_t length)
{
    return (at + length + ALIGNMENT - 1) & -(Py_ssize_t)ALIGNMENT;
}

static PyObject *gather(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    long long start, end, key, scope, avoid, bytes, records;
    Py_buffer segment;
    if (count != 8)
        return PyErr_Format(PyExc_TypeError, "gather takes 8 arguments (%zd given)", count);
    if (!number(args[1], 0, PY_SSIZE_T_MAX / 2, &start) || !number(args[2], 0, PY_SSIZE_T_MAX, &end)
        || !number(args[3], 0, UINT32_MAX, &key) || !number(args[4], 0, UINT16_MAX, &scope)
        || !number(args[5], 0, UINT8_MAX, &avoid) || !number(args[6], 0, PY_SSIZE_T_MAX, &bytes)
        || !number(args[7], 0, PY_SSIZE_T_MAX, &records)
        || PyObject_GetBuffer(args[0], &segment, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *buffer = segment.buf;
    Py_ssize_t size = end < segment.len ? (Py_ssize_t)end : segment.len, at = (Py_ssize_t)start, total = 0, found = 0;
    while (at <= size - HEADER && found < records) {
        uint32_t length = get32(buffer + at), meta = get32(buffer + at + 12);
        Py_ssize_t payload = (Py_ssize_t)length - HEADER;
        if (get32(buffer + at + 4) != (uint32_t)key || length < HEADER || length > LARGEST
            || (Py_ssize_t)length > size - at || (meta & 0xffffff) != (uint32_t)scope
            || meta >> 24 & (uint32_t)avoid || payload > bytes - total)
            break;
        total += payload;
        at = following(at, length);
        found++;
    }
    PyObject *payloads = PyBytes_FromStringAndSize(NULL, total);
    PyObject *lengths = PyBytes_FromStringAndSize(NULL, 4 * found);
    if (payloads != NULL && lengths != NULL) {
        unsigned char *to = (unsigned char *)PyBytes_AS_STRING(payloads), *last = to + total;
        unsigned char *length_to = (unsigned char *)PyBytes_AS_STRING(lengths);
        Py_ssize_t from = (Py_ssize_t)start;
        for (Py_ssize_t each = 0; each < found; each++, length_to += 4) {
            /* What is committed does not change; a file that somebody damages now must not take us out of bounds. */
            Py_ssize_t length = from <= size - HEADER ? (Py_ssize_t)get32(buffer + from) : 0;
            Py_ssize_t payload = length - HEADER;
            if (payload < 0 || payload > last - to || length > size - from)
                payload = 0;
            memcpy(to, buffer + from + HEADER * (payload > 0), (size_t)payload);
            put32(length_to, (uint32_t)payload);
            to += payload;
            from = following(from, HEADER + payload);
        }
        memset(to, 0, (size_t)(last - to));
    }
    PyBuffer_Release(&segment);
    if (payloads == NULL || lengths == NULL) {
        Py_XDECREF(payloads);
        Py_XDECREF(lengths);
        return NULL;
    }
    return Py_BuildValue("NNn", payloads, lengths, at);
}

/* -- the module ---------------------------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"look", (PyCFunction)(void (*)(void))look, METH_FASTCALL, look_doc},
    {"ordinary", (PyCFunction)(void (*)(void))ordinary, METH_FASTCALL, ordinary_doc},
    {"piece", (PyCFunction)(void (*)(void))piece, METH_FASTCALL, piece_doc},
    {"plain", (PyCFunction)(void (*)(void))plain, METH_FASTCALL, plain_doc},
    {"clean", (PyCFunction)(void (*)(void))clean, METH_FASTCALL, clean_doc},
    {"clone", clone_of, METH_O, clone_doc},
    {"completion", (PyCFunction)(void (*)(void))completion, METH_FASTCALL, completion_doc},
    {"content", (PyCFunction)(void (*)(void))content, METH_FASTCALL, content_doc},
    {"costs", (PyCFunction)(void (*)(void))costs, METH_FASTCALL, costs_doc},
    {"count_fields", (PyCFunction)(void (*)(void))count_fields, METH_FASTCALL, count_fields_doc},
    {"delta", (PyCFunction)(void (*)(void))delta, METH_FASTCALL, delta_doc},
    {"derive", (PyCFunction)(void (*)(void))derive, METH_FASTCALL, derive_doc},
    {"text_field", (PyCFunction)(void (*)(void))text_field, METH_FASTCALL, text_field_doc},
    {"join_span", (PyCFunction)(void (*)(void))join_span, METH_FASTCALL, join_span_doc},
    {"checksum", (PyCFunction)(void (*)(void))checksum_of, METH_FASTCALL, checksum_doc},
    {"scalars", (PyCFunction)(void (*)(void))scalars, METH_FASTCALL, scalars_doc},
    {"store", (PyCFunction)(void (*)(void))store, METH_FASTCALL, store_doc},
    {"scan", (PyCFunction)(void (*)(void))scan, METH_FASTCALL, scan_doc},
    {"draw", (PyCFunction)(void (*)(void))draw, METH_FASTCALL, draw_doc},
    {"fields", (PyCFunction)(void (*)(void))fields, METH_FASTCALL, fields_doc},
    {"gather", (PyCFunction)(void (*)(void))gather, METH_FASTCALL, gather_doc},
    {"suspicious", suspicious, METH_O, suspicious_doc},
#ifdef EXCHANGES
    {"exchange", (PyCFunction)(void (*)(void))exchange, METH_FASTCALL, exchange_doc},
#endif
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *Py_UNUSED(module))
{
    make_crc_table();
#ifdef FOLDS_CRC
    __builtin_cpu_init();
    folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
    make_classes();
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, prepare},
#ifdef Py_MOD_PER_INTERPRETER_GIL_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "trackway._native",
    .m_doc = "The inner loops of the caller's path, compiled.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module); }
