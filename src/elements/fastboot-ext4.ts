/** Kind `fastboot_ext4`: a sparse ext4 image for devices that are flashed by fastboot, of what its input has. */
import { imageElement } from "./image-element.ts";

const SCRATCH = "/buildstream";

export const fastbootExt4 = imageElement(
  "fastboot_ext4",
  {
    create_dev_proc_shadow: [
      "mkdir -p %{build-root}/dev %{build-root}/proc",
      [
        "systemd-firstboot --root %{build-root} --root-password %{root_password}",
        "--locale %{locale} --timezone %{timezone}",
      ].join(" "),
      "chmod 400 %{build-root}/etc/shadow",
    ],
    create_img: [`make_ext4fs -L %{img_label} -l %{img_size} -s ${SCRATCH}/%{img_output} %{build-root}`],
    install_img: [`install -m 0644 ${SCRATCH}/%{img_output} %{install-root}/%{img_output}`],
  },
  {
    variables: {
      img_output: "test.img",
      root_password: "root",
      locale: "en_US.UTF-8",
      timezone: "UTC",
      img_size: "55G",
      img_label: "rootfs",
    },
  },
);
