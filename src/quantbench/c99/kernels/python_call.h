/* A network as a function of Python that takes one image without ctypes, by Python's limited API.
   Anything but one image, whole in memory, goes to `others`. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdlib.h>

typedef void image_call(const float *image, const void *given);

typedef struct {
    image_call *run;
    const void *given; /* that `others` keeps */
    Py_ssize_t bytes;  /* of an image */
    PyObject *copy;    /* gives a copy of the answer */
    PyObject *others;
} bound;

PyObject *call_function(image_call *run, const void *given, size_t bytes, PyObject *copy,
                        PyObject *others);

static void unbind(PyObject *capsule)
{
    bound *const kept = PyCapsule_GetPointer(capsule, NULL);
    Py_DECREF(kept->copy);
    Py_DECREF(kept->others);
    free(kept);
}

static PyObject *predict(PyObject *capsule, PyObject *images)
{
    const bound *const kept = PyCapsule_GetPointer(capsule, NULL);
    Py_buffer view;
    if (PyObject_GetBuffer(images, &view, PyBUF_C_CONTIGUOUS) != 0) {
        PyErr_Clear();
        return PyObject_CallFunctionObjArgs(kept->others, images, NULL);
    }
    const int is_one = view.len == kept->bytes;
    if (is_one) {
        kept->run(view.buf, kept->given);
    }
    PyBuffer_Release(&view);
    return is_one ? PyObject_CallNoArgs(kept->copy)
                  : PyObject_CallFunctionObjArgs(kept->others, images, NULL);
}

PyObject *call_function(image_call *run, const void *given, size_t bytes, PyObject *copy,
                        PyObject *others)
{
    static PyMethodDef method = {"predict", predict, METH_O, NULL};
    bound *const kept = malloc(sizeof *kept);
    if (kept == NULL) {
        return PyErr_NoMemory();
    }
    *kept = (bound){run, given, (Py_ssize_t)bytes, copy, others};
    PyObject *const capsule = PyCapsule_New(kept, NULL, unbind);
    if (capsule == NULL) {
        free(kept);
        return NULL;
    }
    Py_INCREF(copy);
    Py_INCREF(others);
    PyObject *const function = PyCFunction_NewEx(&method, capsule, NULL);
    Py_DECREF(capsule);
    return function;
}
