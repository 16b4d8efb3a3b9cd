import asyncio


class Countdown:
    """An async iterator."""

    def __init__(self, number):
        self.number = number

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.number == 0:
            raise StopAsyncIteration
        await asyncio.sleep(0.001)
        self.number -= 1
        return self.number


class Rocket:
    """An async iterable: each loop over it has an iterator of its own."""

    def __aiter__(self):
        return Countdown(3)


async def main():
    rocket = Rocket()
    for attempt in range(2):
        async for number in rocket:
            print(number)
        print("no ignition" if attempt == 0 else "ignition")


asyncio.run(main())
