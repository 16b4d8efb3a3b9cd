import asyncio


class Reader:
    def __init__(self, values):
        self.values = values

    async def get_values(self):
        for value in self.values:
            await asyncio.sleep(0.001)
            yield value


async def main():
    reader = Reader(["first", "second", "third"])
    async for value in reader.get_values():
        print(value)


asyncio.run(main())
