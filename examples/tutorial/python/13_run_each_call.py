import asyncio


async def get_data_from_io(n):
    await asyncio.sleep(0.001)
    return n


async def process_data(data):
    await asyncio.sleep(0.001)
    print(f"processed {data}")


def main():
    for n in range(3):
        data = asyncio.run(get_data_from_io(n))
        asyncio.run(process_data(data))


main()
