import asyncio


class FlowProvider:
    def __init__(self, store_url):
        self.store_url = store_url

    async def __aenter__(self):
        await asyncio.sleep(0.001)
        print(f"provider of {self.store_url} set up")
        return self

    async def __aexit__(self, exc_t, exc_v, exc_tb):
        await asyncio.sleep(0.001)
        print("provider tidied up")

    def open_read(self, flow_id):
        return Reader(flow_id)


class Reader:
    def __init__(self, flow_id):
        self.flow_id = flow_id

    async def __aenter__(self):
        await asyncio.sleep(0.001)
        print(f"reader of {self.flow_id} set up")
        return self

    async def __aexit__(self, exc_t, exc_v, exc_tb):
        await asyncio.sleep(0.001)
        print("reader tidied up")

    async def read(self, start, count):
        await asyncio.sleep(0.001)
        return list(range(start, start + count))


async def main():
    async with FlowProvider("store.example") as provider:
        async with provider.open_read("flow-1") as reader:
            frames = await reader.read(720, count=4)
            print("things are done with the reader")
        print("things are done with the provider")
    print(f"things are done with the frames: {frames}")


asyncio.run(main())
