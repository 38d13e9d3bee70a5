/** Kind `fastboot_bootimg`: a boot image for devices that are flashed by fastboot, of its input's kernel. */
import { imageElement } from "./image-element.ts";

const SCRATCH = "/buildstream";

export const fastbootBootimg = imageElement(
  "fastboot_bootimg",
  {
    create_dtb: [`dtbTool -s %{dtb_page-size} -o ${SCRATCH}/%{dtb_output} %{build-root}/%{dtb_directory}`],
    create_img: [
      [
        "mkbootimg",
        "--kernel %{build-root}/%{img_directory}/Image",
        "--ramdisk %{build-root}/%{ramdisk_directory}/%{ramdisk}",
        `--dt ${SCRATCH}/%{dtb_output}`,
        "--pagesize %{kernel_page-size}",
        "--base %{base}",
        "--cmdline %{kernel-cmdline}",
        `--output ${SCRATCH}/%{img_output}`,
      ].join(" "),
    ],
    install_img: [`install -m 0644 ${SCRATCH}/%{img_output} %{install-root}/%{img_output}`],
  },
  {
    isOpen: true,
    variables: {
      base: "0x80000000",
      "dtb_page-size": "2048",
      "kernel_page-size": "4096",
      dtb_directory: "/boot",
      img_directory: "/boot",
      ramdisk_directory: "/boot",
      ramdisk: "initrd.img",
      dtb_output: "dt.img",
      img_output: "boot-kernel-test.img",
      "kernel-cmdline": [
        '"root=/dev/disk/by-partlabel/userdata rw rootwait',
        'console=tty0 console=ttyHSL0,115200,n8 log_buf_len=4M"',
      ].join(" "),
    },
  },
);
