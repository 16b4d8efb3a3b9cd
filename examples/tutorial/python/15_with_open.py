import os
import tempfile

path = os.path.join(tempfile.gettempdir(), f"tutorial-15-{os.getpid()}.txt")

with open(path, "w") as opened_file:
    opened_file.write("Hello, world!")

with open(path) as opened_file:
    print(opened_file.read())

file = open(path, "w")
try:
    file.write("Hello!")
finally:
    file.close()

with open(path) as opened_file:
    print(opened_file.read())

os.remove(path)
