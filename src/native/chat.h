/* Answers of the usual kind: whole chat completions and chunks of them that bring text
 * (`_integrations/openai/chat.py`), events of the Responses API (`_integrations/openai/responses.py`). Included by
 * kernels.c.
 *
 * Whatever is looked at is held: what is allocated here may run the collector, and with it anybody's finalizers. */

/* The fields of a dict, or of an SDK's object: what it declares, and beside that what it does not. */
typedef struct {
    PyObject *declared, *extra; /* dicts; extra may be NULL */
} Fields;

static void release(Fields *fields)
{
    Py_CLEAR(fields->declared);
    Py_CLEAR(fields->extra);
}

/* 1; or 0, without an exception and with nothing held, where *value* is something else. */
static int fields_in(PyObject *value, const Payload *payload, Fields *fields)
{
    fields->declared = fields->extra = NULL;
    if (PyDict_CheckExact(value)) {
        fields->declared = Py_NewRef(value);
        return 1;
    }
    if (is_known_model(Py_TYPE(value), payload) == 1) {
        fields->extra = PyObject_GenericGetAttr(value, payload->extra);
        if (fields->extra != NULL)
            fields->declared = PyObject_GenericGetDict(value, NULL);
        if (fields->declared == NULL)
            PyErr_Clear();
    }
    if (fields->extra == Py_None)
        Py_CLEAR(fields->extra);
    if (fields->declared != NULL && PyDict_CheckExact(fields->declared)
        && (fields->extra == NULL || PyDict_CheckExact(fields->extra)))
        return 1;
    release(fields);
    return 0;
}

/* Borrowed; NULL, perhaps with an exception, where there is none. *name* is a text. */
static PyObject *find(const Fields *fields, PyObject *name)
{
    PyObject *found = fields->extra == NULL || !PyDict_GET_SIZE(fields->extra)
                          ? NULL : PyDict_GetItemWithError(fields->extra, name);
    return found == NULL && !PyErr_Occurred() ? PyDict_GetItemWithError(fields->declared, name) : found;
}

/* As `find`, without an exception. */
static PyObject *field_of(const Fields *fields, PyObject *name)
{
    PyObject *found = find(fields, name);
    if (found == NULL)
        PyErr_Clear();
    return found;
}

/* Whether *value* says nothing: not there, None, or an empty text. */
static int is_silent(PyObject *value)
{
    return value == NULL || value == Py_None || (PyUnicode_CheckExact(value) && !PyUnicode_GET_LENGTH(value));
}

/* More fields than these has no delta; of a chunk, what is remembered. */
enum { MOST_FIELDS = 16, REMEMBERED = 4 };

typedef struct {
    PyObject *keys[MOST_FIELDS], *values[MOST_FIELDS];
    int size;
} Said;

static void forget(Said *said)
{
    while (said->size) {
        said->size--;
        Py_DECREF(said->keys[said->size]);
        Py_DECREF(said->values[said->size]);
    }
}

/* Adds what *fields* say in texts; 0 where something else is among them. Nothing is allocated, so nothing else runs. */
static int texts_in(PyObject *fields, PyObject *others, Said *said)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(fields, &at, &key, &value)) {
        if (!PyUnicode_CheckExact(key) || (others != NULL && PyDict_Contains(others, key)))
            return 0;
        if (is_silent(value) || (PyList_CheckExact(value) && !PyList_GET_SIZE(value)))
            continue;
        if (!PyUnicode_CheckExact(value) || said->size == MOST_FIELDS)
            return 0;
        said->keys[said->size] = Py_NewRef(key);
        said->values[said->size++] = Py_NewRef(value);
    }
    return 1;
}

/* Appends *piece* to the list under *key*; 0, or -1 with an exception. */
static int append_text(PyObject *texts, PyObject *key, PyObject *piece)
{
    PyObject *pieces = PyDict_GetItemWithError(texts, key);
    if (pieces != NULL)
        return PyList_Check(pieces) ? PyList_Append(pieces, piece) : -1;
    if (PyErr_Occurred() || (pieces = PyList_New(1)) == NULL)
        return -1;
    PyList_SET_ITEM(pieces, 0, Py_NewRef(piece));
    int failed = PyDict_SetItem(texts, key, pieces);
    Py_DECREF(pieces);
    return failed;
}

/* The only choice of a chunk, a new reference; NULL, without an exception, where there are others or none. */
static PyObject *only_choice(PyObject *choices)
{
    return choices != NULL && PyList_CheckExact(choices) && PyList_GET_SIZE(choices) == 1
               ? Py_NewRef(PyList_GET_ITEM(choices, 0)) : NULL;
}

/* What names stand for, in the order in which they are given. */
enum { CHOICES = REMEMBERED, INDEX, REASON, ERROR, DELTA, ROLE, NAMES };

/* What the *choice* says; and what is known of it so far, (texts, fields), a new reference. NULL, without an exception,
 * where it is not of the usual kind. */
static PyObject *said_by(PyObject *choice, PyObject *names, const Payload *payload, PyObject *choices, Said *said)
{
    Fields fields, delta;
    if (!fields_in(choice, payload, &fields))
        return NULL;
    /* Held: a key of a dict that is no text may run code wherever it is compared with a name. */
    PyObject *index = Py_XNewRef(field_of(&fields, PyTuple_GET_ITEM(names, INDEX))), *known = NULL;
    PyObject *given = Py_XNewRef(field_of(&fields, PyTuple_GET_ITEM(names, DELTA)));
    int usual = given != NULL && is_silent(field_of(&fields, PyTuple_GET_ITEM(names, REASON)))
                && is_silent(field_of(&fields, PyTuple_GET_ITEM(names, ERROR)));
    if (usual && index != NULL && PyLong_CheckExact(index))
        known = Py_XNewRef(PyDict_GetItemWithError(choices, index));
    usual = known != NULL && PyTuple_CheckExact(known) && PyTuple_GET_SIZE(known) == 2
            && PyDict_CheckExact(PyTuple_GET_ITEM(known, 0)) && PyDict_CheckExact(PyTuple_GET_ITEM(known, 1))
            && fields_in(given, payload, &delta);
    if (usual) {
        usual = texts_in(delta.declared, NULL, said)
                && (delta.extra == NULL || texts_in(delta.extra, delta.declared, said));
        release(&delta);
    }
    Py_XDECREF(given);
    Py_XDECREF(index);
    release(&fields);
    if (!usual) {
        PyErr_Clear();
        Py_CLEAR(known);
    }
    return known;
}

/* Whether what the *chunk* says of itself is in *last*, a dict of ours. Nothing is allocated. */
static int says_nothing_new(const Fields *chunk, PyObject *names, PyObject *last)
{
    for (int i = 0; i < REMEMBERED; i++) {
        PyObject *value = field_of(chunk, PyTuple_GET_ITEM(names, i));
        if (is_silent(value))
            continue;
        PyObject *known = PyDict_GetItemWithError(last, PyTuple_GET_ITEM(names, i));
        if (known != value
            && (known == NULL || !PyUnicode_CheckExact(value) || !PyUnicode_CheckExact(known)
                || PyUnicode_GET_LENGTH(value) != PyUnicode_GET_LENGTH(known) || PyUnicode_Compare(value, known)))
            return 0;
    }
    return 1;
}

/* Adds *said* to what is *known* of a choice: whether any of it is the model's; -1 with an exception. */
static int keep(const Said *said, PyObject *known, PyObject *role)
{
    PyObject *texts = PyTuple_GET_ITEM(known, 0), *fields = PyTuple_GET_ITEM(known, 1);
    int of_the_model = 0, is_role[MOST_FIELDS];
    for (int i = 0; i < said->size; i++) {
        is_role[i] = PyUnicode_Compare(said->keys[i], role) == 0;
        of_the_model |= !is_role[i];
    }
    for (int i = 0; of_the_model && i < said->size; i++)
        if ((is_role[i] ? PyDict_SetItem(fields, role, said->values[i])
                        : append_text(texts, said->keys[i], said->values[i])) < 0)
            return -1;
    return of_the_model;
}

PyDoc_STRVAR(delta_doc,
"delta(models, extra, names, last, choices, chunk, /)\n--\n\n"
"Adds the texts of a *chunk* with one choice to that of *choices*; whether it did. Not where it says anything of\n"
"itself that is not known from the *last*.");

static PyObject *delta(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 6 || !PySet_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1]) || !are_names(args[2], NAMES)
        || !PyDict_CheckExact(args[3]) || !PyDict_CheckExact(args[4]))
        return PyErr_Format(PyExc_TypeError, "delta takes a set, a text, %d names, two dicts and a chunk", NAMES);
    Payload payload = {.models = args[0], .extra = args[1]};
    PyObject *names = args[2], *choice = NULL, *known = NULL;
    Said said = {.size = 0};
    Fields chunk;
    if (!fields_in(args[5], &payload, &chunk))
        Py_RETURN_FALSE;
    if (says_nothing_new(&chunk, names, args[3]))
        choice = only_choice(field_of(&chunk, PyTuple_GET_ITEM(names, CHOICES)));
    release(&chunk);
    if (choice != NULL)
        known = said_by(choice, names, &payload, args[4], &said);
    int usual = known != NULL && keep(&said, known, PyTuple_GET_ITEM(names, ROLE)) > 0;
    /* Where there is no memory the other way is asked, which says so. */
    if (!usual)
        PyErr_Clear();
    Py_XDECREF(known);
    Py_XDECREF(choice);
    forget(&said);
    return PyBool_FromLong(usual);
}

/* What names stand for here, in the order in which they are given. */
enum { TYPE, TEXT, ITEM, EVENT_NAMES };

PyDoc_STRVAR(piece_doc,
"piece(models, extra, names, numbers, pieces, event, /)\n--\n\n"
"Adds the text of an *event* to the list of *pieces* under (type, item, part), where there is one; whether there was.\n"
"*numbers* says of each type of text which field numbers its part.");

static PyObject *piece(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 6 || !PySet_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1]) || !are_names(args[2], EVENT_NAMES)
        || !PyDict_CheckExact(args[3]) || !PyDict_CheckExact(args[4]))
        return PyErr_Format(PyExc_TypeError, "piece takes a set, a text, %d names, two dicts, an event", EVENT_NAMES);
    Payload payload = {.models = args[0], .extra = args[1]};
    PyObject *names = args[2], *pieces = NULL, *key = NULL;
    Fields event;
    int added = 0;
    if (!fields_in(args[5], &payload, &event))
        Py_RETURN_FALSE;
    PyObject *type = Py_XNewRef(field_of(&event, PyTuple_GET_ITEM(names, TYPE)));
    PyObject *text = Py_XNewRef(field_of(&event, PyTuple_GET_ITEM(names, TEXT)));
    PyObject *item = Py_XNewRef(field_of(&event, PyTuple_GET_ITEM(names, ITEM))), *part = NULL;
    PyObject *number_of = type != NULL && PyUnicode_CheckExact(type) ? PyDict_GetItemWithError(args[3], type) : NULL;
    if (number_of != NULL && PyUnicode_CheckExact(number_of) && PyUnicode_GET_LENGTH(number_of))
        part = Py_XNewRef(field_of(&event, number_of));
    else if (number_of != NULL)
        part = PyLong_FromLong(0);
    release(&event);
    if (text != NULL && PyUnicode_CheckExact(text) && item != NULL && PyLong_CheckExact(item) && part != NULL
        && PyLong_CheckExact(part) && (key = PyTuple_Pack(3, type, item, part)) != NULL)
        pieces = PyDict_GetItemWithError(args[4], key);
    if (pieces != NULL && PyList_CheckExact(pieces))
        added = PyList_Append(pieces, text) == 0;
    if (!added)
        PyErr_Clear();
    Py_XDECREF(key);
    Py_XDECREF(type);
    Py_XDECREF(text);
    Py_XDECREF(item);
    Py_XDECREF(part);
    return PyBool_FromLong(added);
}

/* What names stand for, in the order in which they are given: in a whole answer, in its choice, in its message. */
enum { ANSWERS, USAGE, MODEL, ID, TIER, FAULT, MESSAGE, WHY, WRONG, PARSED, CALLS, ANSWER_NAMES };

/* Whether there is nothing in *value*: None, or an empty list. */
static int is_empty(PyObject *value)
{
    return value == Py_None || (PyList_CheckExact(value) && !PyList_GET_SIZE(value));
}

/* Holds what *value* says under the names from *first* to before *end*, None where it says nothing. 0, perhaps with an
 * exception, where it is no object with fields. */
static int hold(PyObject *value, const Payload *payload, PyObject *names, int first, int end, PyObject **held)
{
    Fields fields;
    if (!fields_in(value, payload, &fields))
        return 0;
    for (int i = first; i < end && !PyErr_Occurred(); i++) {
        PyObject *found = find(&fields, PyTuple_GET_ITEM(names, i));
        held[i] = Py_NewRef(found == NULL ? Py_None : found);
    }
    release(&fields);
    return !PyErr_Occurred();
}

/* *given* as a dict without objects of the SDK, a new reference; NULL, perhaps without an exception, if it is none. */
static PyObject *plain_dict(PyObject *given, Payload payload)
{
    PyObject *made = content_under(NULL, given, &payload, 0);
    if (made != NULL && !PyDict_CheckExact(made))
        Py_CLEAR(made);
    return made;
}

/* *given*, which is held, without what is empty, a new reference; NULL, perhaps without an exception, if it cannot. */
static PyObject *without_empty(PyObject *given)
{
    PyObject *kept, *key, *item;
    Py_ssize_t at = 0, empty = 0;
    while (PyDict_Next(given, &at, &key, &item))
        empty += is_empty(item);
    if (!empty)
        return Py_NewRef(given);
    kept = PyDict_New();
    for (at = 0; kept != NULL && PyDict_Next(given, &at, &key, &item);) {
        if (is_empty(item))
            continue;
        Py_INCREF(key);
        Py_INCREF(item);
        if (!PyUnicode_CheckExact(key) || PyDict_SetItem(kept, key, item) < 0)
            Py_CLEAR(kept);
        Py_DECREF(key);
        Py_DECREF(item);
    }
    return kept;
}

/* What is recorded of a *message*, a new reference; NULL, perhaps without an exception, where there is more to it. */
static PyObject *message_of(PyObject *message, PyObject *names, const Payload *payload)
{
    PyObject *held[ANSWER_NAMES] = {NULL}, *given = NULL, *made = NULL;
    if (hold(message, payload, names, PARSED, ANSWER_NAMES, held) && held[PARSED] == Py_None && is_empty(held[CALLS]))
        given = plain_dict(message, *payload);
    if (given != NULL)
        made = without_empty(given);
    Py_XDECREF(given);
    Py_XDECREF(held[PARSED]);
    Py_XDECREF(held[CALLS]);
    return made;
}

PyDoc_STRVAR(completion_doc,
"completion(models, files, extra, shortest, nodes, levels, names, answer, /)\n--\n\n"
"(Message, model, id, reasons to finish, service tier, usage) of a chat completion with one choice, without objects\n"
"of *models*; None where there is more to it: several choices, an error, a tool call, a file.");

static PyObject *completion(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Payload payload;
    if (count != 8 || !are_payload(args, &payload) || !are_names(args[6], ANSWER_NAMES))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "completion takes what content does, and names");
    PyObject *names = args[6], *held[ANSWER_NAMES] = {NULL}, *choice = NULL, *made = NULL;
    if (hold(args[7], &payload, names, ANSWERS, MESSAGE, held) && held[FAULT] == Py_None)
        choice = only_choice(held[ANSWERS]);
    if (choice != NULL && hold(choice, &payload, names, MESSAGE, PARSED, held) && held[WRONG] == Py_None) {
        Py_SETREF(held[WHY], PyUnicode_CheckExact(held[WHY]) ? PyTuple_Pack(1, held[WHY]) : PyTuple_New(0));
        Py_SETREF(held[MESSAGE], message_of(held[MESSAGE], names, &payload));
        if (held[MESSAGE] != NULL && held[USAGE] != Py_None)
            Py_SETREF(held[USAGE], plain_dict(held[USAGE], payload));
        if (held[MESSAGE] != NULL && held[WHY] != NULL && held[USAGE] != NULL)
            made = PyTuple_Pack(6, held[MESSAGE], held[MODEL], held[ID], held[WHY], held[TIER], held[USAGE]);
    }
    Py_XDECREF(choice);
    for (int i = 0; i < ANSWER_NAMES; i++)
        Py_XDECREF(held[i]);
    if (made != NULL)
        return made;
    /* What went wrong, the other way meets again, and says so. */
    PyErr_Clear();
    Py_RETURN_NONE;
}
