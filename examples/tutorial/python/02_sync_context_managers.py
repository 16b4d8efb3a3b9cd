import os
import tempfile


class File:
    def __init__(self, file_name, method):
        self.file_name = file_name
        self.method = method
        self.file_obj = None

    def __enter__(self):
        self.file_obj = open(self.file_name, self.method)
        print("opened")
        return self.file_obj

    def __exit__(self, type, value, traceback):
        self.file_obj.close()
        print("closed")
        return isinstance(value, ValueError)


def write_number(path, number):
    with File(path, "w") as opened_file:
        opened_file.write(f"{int(number)}\n")
        print("written")


path = os.path.join(tempfile.gettempdir(), f"tutorial-02-{os.getpid()}.txt")

write_number(path, "12")
write_number(path, "twelve")
print("that it is no number was handled")

try:
    write_number(os.path.join(path, "inside"), "12")
except OSError:
    print("a file is no folder: not entered, so not left")

try:
    with File(path, "w"):
        raise RuntimeError("out of ink")
except RuntimeError as error:
    print(f"propagated: {error}")

os.remove(path)
