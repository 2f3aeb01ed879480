/* Opens and reads every file below a folder and sums its bytes, on one thread:
   what verifying the checksums of ROMs costs at least. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long total;

static int sum(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    static unsigned char bytes[16 << 20];
    ssize_t length;
    int file;

    (void)status;
    (void)walk;
    if (kind != FTW_F)
        return 0;
    file = open(path, O_RDONLY);
    if (file < 0)
        return -1;
    while ((length = read(file, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < length; i++)
            total += bytes[i];
    close(file);
    return length < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 || nftw(argv[1], sum, 16, FTW_PHYS) != 0) {
        perror("sum-bytes");
        return EXIT_FAILURE;
    }
    printf("%lu\n", total);
    return EXIT_SUCCESS;
}
