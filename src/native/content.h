/* What may be recorded of a payload: `_integrations/content.py`. Included by kernels.c.
 *
 * Collecting garbage may run finalizers, which are anybody's code, wherever something is allocated: so whatever is
 * looked at is held, and every container is asked for its size again at each step. */

typedef struct {
    PyObject *models; /* a set of classes */
    PyObject *files;  /* a frozenset of the keys that may hold base64 */
    PyObject *extra;  /* the name of the slot where pydantic holds what an SDK did not declare */
    long long shortest, nodes, levels;
} Payload;

static PyObject *content_of(PyObject *value, Payload *payload, int depth);

/* Whether *text*, under *key* (NULL: under none), may be a file. */
static int may_be_file(PyObject *key, PyObject *text, const Payload *payload)
{
    if (PyUnicode_GET_LENGTH(text) < payload->shortest)
        return 0;
    if (PyUnicode_READ_CHAR(text, 0) == 'd')
        return 1;
    if (key == NULL || !PyUnicode_Check(key))
        return 0;
    /* A subclass may have a hash of its own. */
    return PyUnicode_CheckExact(key) ? PySet_Contains(payload->files, key) : 1;
}

static int is_leaf(PyObject *value)
{
    PyTypeObject *kind = Py_TYPE(value);
    return value == Py_None || kind == &PyLong_Type || kind == &PyFloat_Type || kind == &PyBool_Type;
}

/* What is recorded of *item*, under *key*: a new reference. NULL without an exception: the twin decides. */
static PyObject *content_under(PyObject *key, PyObject *item, Payload *payload, int depth)
{
    if (PyUnicode_CheckExact(item))
        return may_be_file(key, item, payload) ? NULL : Py_NewRef(item);
    return is_leaf(item) ? Py_NewRef(item) : content_of(item, payload, depth);
}

static PyObject *content_of_dict(PyObject *given, Payload *payload, int depth)
{
    PyObject *made = Py_NewRef(given), *key, *item;
    Py_ssize_t at = 0;
    while (PyDict_Next(given, &at, &key, &item)) {
        if (is_leaf(item))
            continue;
        Py_INCREF(key);
        Py_INCREF(item);
        PyObject *new = content_under(key, item, payload, depth);
        int failed = new == NULL;
        if (!failed && new != item) {
            if (made == given)
                Py_SETREF(made, PyDict_Copy(given));
            failed = made == NULL || !PyUnicode_CheckExact(key) || PyDict_SetItem(made, key, new) < 0;
        }
        Py_XDECREF(new);
        Py_DECREF(key);
        Py_DECREF(item);
        if (failed) {
            Py_XDECREF(made);
            return NULL;
        }
    }
    return made;
}

static PyObject *content_of_list(PyObject *given, Payload *payload, int depth)
{
    PyObject *made = Py_NewRef(given);
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(given); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(given, i);
        if (is_leaf(item))
            continue;
        Py_INCREF(item);
        PyObject *new = content_under(NULL, item, payload, depth);
        int failed = new == NULL;
        if (!failed && new != item) {
            if (made == given)
                Py_SETREF(made, PySequence_List(given));
            /* The list is ours; of what it was made from an item may have gone meanwhile. */
            failed = made == NULL || i >= PyList_GET_SIZE(made) || PyList_SetItem(made, i, Py_NewRef(new)) < 0;
        }
        Py_XDECREF(new);
        Py_DECREF(item);
        if (failed) {
            Py_XDECREF(made);
            return NULL;
        }
    }
    return made;
}

/* The *fields* of an SDK's object, without what is None and what is among *others*, into *made*; 0, or -1. */
static int add_fields(PyObject *made, PyObject *fields, PyObject *others, Payload *payload, int depth)
{
    PyObject *key, *item;
    Py_ssize_t at = 0;
    while (PyDict_Next(fields, &at, &key, &item)) {
        if (!PyUnicode_CheckExact(key))
            return -1;
        Py_INCREF(key);
        Py_INCREF(item);
        /* What is in both is rare, and has the place of the one and the value of the other. */
        int failed = others != NULL && PyDict_Contains(others, key);
        PyObject *new = failed || item == Py_None ? NULL : content_under(key, item, payload, depth);
        if (!failed && item != Py_None)
            failed = new == NULL || PyDict_SetItem(made, key, new) < 0;
        Py_XDECREF(new);
        Py_DECREF(key);
        Py_DECREF(item);
        if (failed)
            return -1;
    }
    return 0;
}

static PyObject *content_of_model(PyObject *given, Payload *payload, int depth)
{
    PyObject *extra = NULL, *made = NULL, *declared = PyObject_GenericGetDict(given, NULL);
    if (declared == NULL) {
        /* It has slots alone. */
        if (PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
        return NULL;
    }
    extra = PyObject_GenericGetAttr(given, payload->extra);
    if (extra == NULL && PyErr_ExceptionMatches(PyExc_AttributeError))
        PyErr_Clear();
    int more = extra != NULL && extra != Py_None;
    if (!PyErr_Occurred() && PyDict_CheckExact(declared) && (!more || PyDict_CheckExact(extra)))
        made = PyDict_New();
    if (made != NULL
        && (add_fields(made, declared, NULL, payload, depth) < 0
            || (more && add_fields(made, extra, declared, payload, depth) < 0)))
        Py_CLEAR(made);
    Py_DECREF(declared);
    Py_XDECREF(extra);
    return made;
}

/* Whether *kind* is one of the classes that are known to be an SDK's; -1 where asking could run anybody's code. */
static int is_known_model(PyTypeObject *kind, const Payload *payload)
{
    PyTypeObject *meta = Py_TYPE(kind);
    if (meta->tp_hash != PyType_Type.tp_hash || meta->tp_richcompare != PyType_Type.tp_richcompare)
        return -1;
    return PySet_Contains(payload->models, (PyObject *)kind);
}

/* A new reference; NULL without an exception where the twin decides. Recursion is bounded by the levels. */
static PyObject *content_of(PyObject *value, Payload *payload, int depth)
{
    if (depth > payload->levels || --payload->nodes < 0)
        return NULL;
    if (PyDict_CheckExact(value))
        return content_of_dict(value, payload, depth + 1);
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return content_of_list(value, payload, depth + 1);
    return is_known_model(Py_TYPE(value), payload) == 1 ? content_of_model(value, payload, depth + 1) : NULL;
}

PyDoc_STRVAR(content_doc,
"content(twin, models, files, extra, shortest, nodes, levels, value, /)\n--\n\n"
"*value* with objects of *models* as dicts; what *twin* gives where it may hold a file, or something unknown.");

/* Takes (models, files, extra, shortest, nodes, levels); 0, perhaps with an exception, where they are others. */
static int are_payload(PyObject *const *args, Payload *payload)
{
    payload->models = args[0];
    payload->files = args[1];
    payload->extra = args[2];
    return PySet_CheckExact(args[0]) && PyFrozenSet_CheckExact(args[1]) && PyUnicode_CheckExact(args[2])
           && number(args[3], 1, LLONG_MAX, &payload->shortest) && number(args[4], 0, LLONG_MAX, &payload->nodes)
           && number(args[5], 0, MOST_LEVELS, &payload->levels);
}

static PyObject *content(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Payload payload;
    if (count != 8 || !are_payload(args + 1, &payload))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "content takes a twin, what bounds, a value");
    PyObject *made = content_under(NULL, args[7], &payload, 0);
    return made == NULL && !PyErr_Occurred() ? PyObject_CallOneArg(args[0], args[7]) : made;
}

PyDoc_STRVAR(fields_doc,
"fields(twin, models, extra, value, /)\n--\n\n"
"The fields of a dict, or of an object of one of *models*: those that it declares and others; else what *twin* gives.");

/* The *declared* and *more* than these in one, if both are dicts: a new reference. */
static PyObject *together(PyObject *declared, PyObject *more)
{
    if (declared == NULL || !PyDict_CheckExact(declared) || !PyDict_CheckExact(more))
        return NULL;
    PyObject *made = PyDict_Copy(declared);
    if (made != NULL && PyDict_Update(made, more) < 0)
        Py_CLEAR(made);
    return made;
}

static PyObject *fields(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 4 || !PySet_CheckExact(args[1]) || !PyUnicode_CheckExact(args[2]))
        return PyErr_Format(PyExc_TypeError, "fields takes a twin, a set, a text and a value");
    PyObject *value = args[3], *declared = NULL;
    if (PyDict_CheckExact(value))
        return Py_NewRef(value);
    Payload payload = {.models = args[1]};
    if (is_known_model(Py_TYPE(value), &payload) == 1) {
        PyObject *extra = PyObject_GenericGetAttr(value, args[2]);
        if (extra == NULL && PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
        int more = extra != NULL && extra != Py_None && (!PyDict_CheckExact(extra) || PyDict_GET_SIZE(extra));
        if (!PyErr_Occurred())
            declared = PyObject_GenericGetDict(value, NULL);
        if (declared == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
        if (more)
            Py_XSETREF(declared, together(declared, extra));
        Py_XDECREF(extra);
    }
    return declared == NULL && !PyErr_Occurred() ? PyObject_CallOneArg(args[0], value) : declared;
}

PyDoc_STRVAR(scalars_doc,
"scalars(given, without, /)\n--\n\n"
"(Key, class, value, key, …) of a dict, *without* some keys; None where a key is no text or a value no scalar.");

static PyObject *scalars(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyFrozenSet_CheckExact(args[1]))
        return PyErr_Format(PyExc_TypeError, "scalars takes a dict and a frozenset");
    if (!PyDict_CheckExact(args[0]))
        Py_RETURN_NONE;
    enum { MOST = 3 * 64 };
    PyObject *found[MOST], *key, *item;
    Py_ssize_t size = 0, at = 0;
    /* Nothing is allocated here, so nothing else runs. */
    while (PyDict_Next(args[0], &at, &key, &item)) {
        if (!PyUnicode_CheckExact(key) || size == MOST)
            Py_RETURN_NONE;
        int left_out = PySet_Contains(args[1], key);
        if (left_out < 0)
            return NULL;
        if (left_out)
            continue;
        if (!PyUnicode_CheckExact(item) && !is_leaf(item))
            Py_RETURN_NONE;
        found[size++] = key;
        found[size++] = (PyObject *)Py_TYPE(item);
        found[size++] = item;
    }
    for (Py_ssize_t i = 0; i < size; i++)
        Py_INCREF(found[i]);
    PyObject *made = PyTuple_New(size);
    for (Py_ssize_t i = 0; i < size; i++)
        if (made == NULL)
            Py_DECREF(found[i]);
        else
            PyTuple_SET_ITEM(made, i, found[i]);
    return made;
}
