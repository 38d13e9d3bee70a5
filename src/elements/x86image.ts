/** Kind `x86image`: a disk image with a boot, a root and a swap partition, of what its input has. */
import { imageElement } from "./image-element.ts";

const SCRATCH = "/buildstream";
/** Sizes in sectors, of the images in the scratch folder. */
const SECTORS = `sectors() { echo $(( $(stat -c %s ${SCRATCH}/$1.img) / %{sector-size} )); }`;

const FSTAB = `cat > %{build-root}/etc/fstab <<EOF
/dev/sda2 / ext4 defaults,rw,noatime 0 1
/dev/sda1 /boot vfat defaults 0 2
/dev/sda3 none swap defaults 0 0
EOF`;

const SYSLINUX = `mkdir -p ${SCRATCH}/boot/syslinux
cat > ${SCRATCH}/boot/syslinux/syslinux.cfg <<EOF
PROMPT 0
TIMEOUT 5
ALLOWOPTIONS 1
SERIAL 0 115200
DEFAULT boot
LABEL boot
KERNEL /vmlinuz
INITRD /initramfs.gz
APPEND %{kernel-args}
EOF`;

const PARTITION = `${SECTORS}
disk=%{install-root}/sda.img
first=1
for name in sda1 sda2 sda3; do first=$((first + $(sectors $name))); done
truncate -s $((first * %{sector-size})) $disk
parted -s $disk mklabel msdos
first=1
for partition in sda1:fat32 sda2:ext2 sda3:linux-swap; do
  name=\${partition%%:*}
  count=$(sectors $name)
  parted -s $disk unit s mkpart primary \${partition#*:} $first $((first + count - 1))
  dd if=${SCRATCH}/$name.img of=$disk bs=%{sector-size} count=$count seek=$first conv=notrunc
  first=$((first + count))
done
parted -s $disk set 1 boot on`;

export const x86image = imageElement(
  "x86image",
  {
    "filesystem-tree-setup-commands": [
      `mkdir -p ${SCRATCH}/boot\nmv %{build-root}/boot/* ${SCRATCH}/boot`,
      FSTAB,
      SYSLINUX,
    ],
    "filesystem-image-creation-commands": [
      `truncate -s %{boot-size} ${SCRATCH}/sda1.img\nmkdosfs ${SCRATCH}/sda1.img`,
      `mcopy -D s -i ${SCRATCH}/sda1.img -s ${SCRATCH}/boot/* ::/`,
      `syslinux --directory /syslinux/ ${SCRATCH}/sda1.img`,
      `truncate -s %{rootfs-size} ${SCRATCH}/sda2.img\nmkfs.ext4 -F -i 8192 -L root -d %{build-root} ${SCRATCH}/sda2.img`,
      `truncate -s %{swap-size} ${SCRATCH}/sda3.img\nmkswap -L swap ${SCRATCH}/sda3.img`,
    ],
    "partition-commands": [PARTITION],
    "final-commands": ["chmod 0644 %{install-root}/sda.img"],
  },
  {
    variables: {
      "boot-size": "252000K",
      "rootfs-size": "4G",
      "swap-size": "1G",
      "sector-size": "512",
      "kernel-args": "root=/dev/sda2 rootfstype=ext4 rootdelay=20 init=/sbin/init",
    },
  },
);
